/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A real etcd of one member on UNIX sockets in a directory of its own.
 */
#ifndef DEV_ETCD_H
#define DEV_ETCD_H

#include "common/why.h"

#include <stdbool.h>
#include <sys/types.h>

/* Starts etcd in dir, with its data in the directory data; sockets of a dead one are removed first. It dies with the caller.
 * durable: every write is synced; otherwise not, if this etcd knows how. Its log is dir/etcd.log. */
int dev_etcd_start(const char *dir, const char *data, bool durable, pid_t *ret_pid, struct why *why);
/* It answers, and has a leader. Blocks for 0.2 s at most. */
bool dev_etcd_is_healthy(const char *dir);
/* Says why it ended: status is waitpid's. */
void dev_etcd_explain(const char *dir, int status, struct why *ret_why);

#endif
