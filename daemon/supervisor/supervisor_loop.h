/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The supervisor's loop: signals, links and timers become events of the table, its actions become processes.
 */
#ifndef SUPERVISOR_LOOP_H
#define SUPERVISOR_LOOP_H

#include "supervisor_resources.h"

#include <sys/types.h>

struct supervisor_loop_options {
	struct supervisor_resources *resources;
	const char *config_path;  /* read again on SIGHUP, and its name in errors; in dev mode only the latter */
	void (*ready)(void *arg); /* every child is up, the first time; NULL = nothing */
	void *arg;
	/* dev mode: the keeper runs already; NULL = no dev mode */
	const char *dev_dir, *dev_persist;
	pid_t keeper;
	int keeper_link_fd; /* taken over */
};

/* Until everything has ended: the exit status. */
int supervisor_loop_run(const struct supervisor_loop_options *options);

#endif
