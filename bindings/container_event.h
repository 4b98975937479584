/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What an event is inside the library. One allocation; the type, token and reason are filled in when it is sent, so that the event
 * that ends a shard can be allocated before the shard is added and never fails for want of memory.
 */
#ifndef CONTAINER_EVENT_H
#define CONTAINER_EVENT_H

#include "shardmgr.h"

struct sm_event {
	struct sm_event *next;
	enum sm_event_type type;
	uint32_t replica;
	uint64_t token, sequence;
	const char *task;
	char reason[200];
	char shard[]; /* then the task */
};

/* NULL when out of memory. The caller frees it with sm_event_free. */
struct sm_event *container_event_new(const char *shard, uint32_t replica, const char *task);

#endif
