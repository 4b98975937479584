/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smctl's requests to the manager. Errors are printed here, once, to stderr, unless smctl->quiet.
 */
#ifndef SMCTL_CLIENT_H
#define SMCTL_CLIENT_H

#include "smctl.h"

struct smctl_client *smctl_client_new(void);
void smctl_client_free(struct smctl_client *client);

/* GET path, with ?service=service when that is not NULL. SMCTL_OK and a new reference, or another exit status. */
int smctl_client_get(struct smctl *smctl, const char *path, const char *service, json_t **ret_answer);
/* POST path; takes body over. */
int smctl_client_post(struct smctl *smctl, const char *path, json_t *body, json_t **ret_answer);
/* Says that an answer lacks this member, so that it is not smd's: SMCTL_REFUSED. */
int smctl_client_strange(const struct smctl *smctl, const char *needed);

#endif
