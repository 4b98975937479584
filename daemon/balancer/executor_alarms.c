/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A binary heap of times.
 */
#include "executor_alarms.h"

#include "shardmgr.h"

#include <assert.h>
#include <stdlib.h>

int executor_alarms_init(struct executor_alarms *alarms, uint32_t room)
{
	struct executor_alarm *heap = malloc((size_t)room * sizeof(*heap));

	if (!heap)
		return SM_ENOMEM;
	*alarms = (struct executor_alarms){ .heap = heap, .room = room };
	return 0;
}

void executor_alarms_done(struct executor_alarms *alarms)
{
	free(alarms->heap);
	*alarms = (struct executor_alarms){ 0 };
}

void executor_alarms_clear(struct executor_alarms *alarms)
{
	alarms->count = 0;
}

bool executor_alarms_full(const struct executor_alarms *alarms)
{
	return alarms->count == alarms->room;
}

void executor_alarms_set(struct executor_alarms *alarms, uint64_t due_ms, uint32_t shard)
{
	uint32_t at = alarms->count, above;

	assert(!executor_alarms_full(alarms));
	alarms->count++;
	for (; at > 0 && alarms->heap[above = (at - 1) / 2].due_ms > due_ms; at = above)
		alarms->heap[at] = alarms->heap[above];
	alarms->heap[at] = (struct executor_alarm){ .due_ms = due_ms, .shard = shard };
}

uint64_t executor_alarms_due_ms(const struct executor_alarms *alarms)
{
	return alarms->count ? alarms->heap[0].due_ms : UINT64_MAX;
}

bool executor_alarms_pop(struct executor_alarms *alarms, uint64_t now_ms, uint32_t *ret_shard)
{
	struct executor_alarm moved;
	uint32_t at = 0, below;

	if (executor_alarms_due_ms(alarms) > now_ms)
		return false;
	*ret_shard = alarms->heap[0].shard;
	moved = alarms->heap[--alarms->count];
	while ((below = 2 * at + 1) < alarms->count) {
		if (below + 1 < alarms->count && alarms->heap[below + 1].due_ms < alarms->heap[below].due_ms)
			below++;
		if (alarms->heap[below].due_ms >= moved.due_ms)
			break;
		alarms->heap[at] = alarms->heap[below];
		at = below;
	}
	if (alarms->count)
		alarms->heap[at] = moved;
	return true;
}
