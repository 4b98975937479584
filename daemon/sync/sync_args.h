/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reading and checking the arguments of commands. All return 0, or SM_EINVAL with why; outputs are borrowed from args.
 */
#ifndef SYNC_ARGS_H
#define SYNC_ARGS_H

#include "sync_context.h"

/* A text; NULL when absent or null. */
int sync_args_text(const json_t *args, const char *name, const char **ret_text, struct why *why);
/* A required id. */
int sync_args_id(const json_t *args, const char *name, enum keys_part part, const char **ret_id, struct why *why);
/* "service", which must not be the manager's own. */
int sync_args_service(
        const struct sync_context *context, const json_t *args, const char **ret_service, struct why *why);
/* A whole number, 0 or more; *ret_given tells whether it is there, *ret_number stays when not. */
int sync_args_number(const json_t *args, const char *name, int64_t *ret_number, bool *ret_given, struct why *why);

/* What a shard may be given besides its id; NULL = not given. */
struct sync_args_shard {
	const char *task, *pin, *group, *worker_group;
};
int sync_args_shard(const json_t *args, struct sync_args_shard *ret_shard, struct why *why);

#endif
