/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smctl, the operator's command: what its parts share.
 */
#ifndef SMCTL_H
#define SMCTL_H

#include <jansson.h>
#include <stdbool.h>

/* Exit status; documented in usage. */
enum smctl_exit {
	SMCTL_OK = 0,
	SMCTL_REFUSED = 1,     /* the manager answered with an error */
	SMCTL_USAGE = 2,       /* the command line is wrong */
	SMCTL_UNREACHABLE = 3, /* no manager answered, or not in time: a change may have been made */
	SMCTL_NOT_GREEN = 4    /* status: some shard has no owner that serves */
};

struct smctl {
	const char *server; /* http://host:port */
	bool json;          /* -o json */
	bool wait_green;    /* --wait green */
	bool quiet;         /* errors of requests are not told */
	double timeout_s;   /* --timeout; of one request, and of --wait */
	const char *group, *worker_group, *pin, *task;
	long max_shard_count, max_recovery_time_s; /* -1: not given */
	struct smctl_client *client;
};

typedef int smctl_command_fn(struct smctl *smctl, int count, char *const *arguments);

#endif
