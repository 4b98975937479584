/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The event that an application takes: accessors.
 */
#include "container_event.h"

#include <stdlib.h>
#include <string.h>

struct sm_event *container_event_new(const char *shard, uint32_t replica, const char *task)
{
	size_t shard_bytes = strlen(shard) + 1, task_bytes = strlen(task) + 1;
	struct sm_event *event = calloc(1, sizeof *event + shard_bytes + task_bytes);

	if (!event)
		return NULL;
	event->replica = replica;
	memcpy(event->shard, shard, shard_bytes);
	event->task = memcpy(event->shard + shard_bytes, task, task_bytes);
	return event;
}

enum sm_event_type sm_event_type(const struct sm_event *event)
{
	return event->type;
}

const char *sm_event_shard(const struct sm_event *event)
{
	return event->shard;
}

uint32_t sm_event_replica(const struct sm_event *event)
{
	return event->replica;
}

const char *sm_event_task(const struct sm_event *event)
{
	return event->task;
}

uint64_t sm_event_token(const struct sm_event *event)
{
	return event->token;
}

uint64_t sm_event_sequence(const struct sm_event *event)
{
	return event->sequence;
}

const char *sm_event_reason(const struct sm_event *event)
{
	return event->reason;
}

void sm_event_free(struct sm_event *event)
{
	free(event);
}
