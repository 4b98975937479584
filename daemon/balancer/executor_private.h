/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The executor's state, for executor.c and executor_renumber.c alone.
 */
#ifndef EXECUTOR_PRIVATE_H
#define EXECUTOR_PRIVATE_H

#include "executor_alarms.h"
#include "executor_queue.h"
#include "executor_shard.h"

enum executor_list {
	EXECUTOR_DROPS, /* of what nobody shall have */
	EXECUTOR_MOVES, /* drops for an heir */
	EXECUTOR_ADDS,
	EXECUTOR_HELD, /* drops elsewhere that wait until this one can take the shard */
	EXECUTOR_LISTS
}; /* each per container */

struct executor_container {
	uint64_t again_ms, failing_since_ms;
	uint32_t adds_under_way;
	uint32_t moves_away, moves_here; /* under way */
	uint8_t failures;
	bool reached; /* once, in this incarnation */
	bool closed;
};

struct executor {
	struct executor_shard *shards;
	struct executor_container *containers;
	uint32_t shard_count, container_count;
	struct executor_queue queue;
	struct executor_alarms alarms;
	uint64_t random;
	uint32_t sequence;
	uint32_t claims_awaited;
};

#endif
