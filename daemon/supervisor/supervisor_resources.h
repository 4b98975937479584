/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What outlives the children: the configuration, the runtime directory's lock, the sockets, the bells.
 */
#ifndef SUPERVISOR_RESOURCES_H
#define SUPERVISOR_RESOURCES_H

#include "common/config.h"
#include "common/why.h"

struct supervisor_resources {
	struct config *config;
	char *text; /* the file that config was parsed from */
	int lock_fd, command_fd, http_fd, bell_balancer_fd, bell_http_fd;
	char url[128]; /* of the HTTP socket */
};

/* Takes config and text over when it succeeds. Errors as in supervisor_sockets.h. */
int supervisor_resources_open(
        struct supervisor_resources *resources, struct config *config, char *text, struct why *why);
/* Swaps the configuration; on failure everything is as before. A new listen address is opened before the old one is closed.
 * SM_EINVAL: something changed that cannot while smd runs. */
int supervisor_resources_reload(
        struct supervisor_resources *resources, struct config *config, char *text, struct why *why);
void supervisor_resources_close(struct supervisor_resources *resources);

#endif
