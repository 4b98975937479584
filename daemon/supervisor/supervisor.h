/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The two ways to run the daemon. Each returns the process's exit status after everything has ended; trouble is in the log.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdint.h>

/* smd --config-file PATH */
int supervisor_run(const char *config_path);

struct supervisor_dev_options {
	const char *persist; /* directory that keeps etcd's data; NULL = nothing is kept */
	const char *service; /* the manager's own name */
	int64_t port;        /* of the HTTP front; 0 = any free one */
};
/* smd dev: with a private etcd. Prints "http: …", "etcd: …", "runtime: …" and "ready" when everything is up. */
int supervisor_dev(const struct supervisor_dev_options *options);

#endif
