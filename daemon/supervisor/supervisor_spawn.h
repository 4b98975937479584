/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Starts a child: this very program again, with --role=NAME and the descriptors of common/role.h at their places, everything else closed.
 */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include "common/why.h"

#include <stdbool.h>
#include <sys/types.h>

struct supervisor_spawn {
	const char *role;
	int listen_fd, bell_balancer_fd, bell_http_fd; /* -1 = closed in the child */
	bool outlives;                                 /* no death signal: it cleans up behind the supervisor */
};

/* *ret_link_fd: this end of the child's descriptor 3. SM_ESYSTEM: no process or no descriptor. */
int supervisor_spawn_start(const struct supervisor_spawn *spawn, pid_t *ret_pid, int *ret_link_fd, struct why *why);

#endif
