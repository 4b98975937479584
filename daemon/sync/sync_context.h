/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What every operation works with, and how it ends.
 */
#ifndef SYNC_CONTEXT_H
#define SYNC_CONTEXT_H

#include "../common/keys.h"
#include "../etcd/etcd.h"

#include <jansson.h>
#include <view_writer.h>

struct sync_context {
	struct event_base *base;
	struct etcd *etcd;
	const struct keys *keys;
	struct view_writer *writer;
	int64_t changed_revision; /* of the newest change that an operation made here */
};

/* code: enum sm_error. why: "" when code is 0. results: per item, or NULL; taken over. revision: the view must show it before
 * anybody is told; 0: nothing to wait for. Called exactly once, never from inside the start. */
typedef void sync_done_fn(void *arg, int code, const char *why, json_t *results, int64_t revision);

/* An operation: checks args and starts. 0: done will be called. Negative: refused, why is set, done will not be called. */
typedef int sync_start_fn(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why);

/* Which revision must be visible after an answer of etcd at header_revision. What changed nothing waits only for what was changed from
 * here before: revisions of other people's keys never come through the watch. */
int64_t sync_context_revision(struct sync_context *context, int64_t header_revision, bool changed);

#define SYNC_COMMAND_MS 15000u           /* an operation ends after this long, one way or the other */
uint64_t sync_context_deadline_ms(void); /* CLOCK_BOOTTIME */

/* The text for SM_EUNKNOWN. */
extern const char sync_context_unknown[];

#endif
