/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Which container should carry which shard: a pure function from a snapshot to a plan. No clock, no I/O, no allocation that outlives the
 * call but the plan, no randomness. It works on dense numbers; names stay outside. The caller numbers containers, shards, groups and worker
 * groups in the order of their ids (bytewise), so that the order in which it learnt of them has no meaning and ties break by id.
 *
 * What a plan reaches, in this order:
 *   1. Hard rules: not drained or cordoned (takes no new shard); pin; worker group; max_shard_count. A shard that no container may take is
 * in `unassigned` with the rule that says so, and moves nothing else. A shard that has an owner and no place to go stays where it is.
 *   2. Everything placeable is placed.
 *   3. Balance by counts: the sorted vector of whole-container counts is as even as possible over the containers that may take the shards,
 * then each group's, where that leaves a choice.
 *   4. Fewest moves that reach 3. One group and no restrictions: with c_i held, n shards, k containers, q = n div k, r = n mod k:
 *      sum max(0, c_i - q) - min(r, |{i : c_i > q}|), plus the placements.
 *   5. Ties towards the present owner, then by number.
 */
#ifndef PLANNER_H
#define PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLANNER_NONE UINT32_MAX

struct planner_container {
	bool drained;  /* gives away what it has, takes nothing */
	bool cordoned; /* keeps what it has, takes nothing */
};

struct planner_shard {
	uint32_t group;        /* number; 0 is the group "" */
	uint32_t worker_group; /* number, or PLANNER_NONE = any container */
	uint32_t
	        pin; /* container number; PLANNER_NONE = no pin; PLANNER_ABSENT = pinned to a container that is not alive */
	uint32_t owner; /* container number; PLANNER_NONE = nobody; PLANNER_ABSENT = a container that is gone */
};
#define PLANNER_ABSENT (UINT32_MAX - 1)

struct planner_worker { /* container belongs to worker_group */
	uint32_t worker_group, container;
};

struct planner_input {
	uint32_t max_shard_count; /* per container; 0 = no limit */
	const struct planner_container *containers;
	uint32_t container_count;
	const struct planner_shard *shards;
	uint32_t shard_count;
	const struct planner_worker *workers; /* any order, no duplicates */
	uint32_t worker_count;
	uint32_t group_count, worker_group_count;
};

enum planner_cause {                 /* why a shard is placed or moved */
	PLANNER_CAUSE_PLACEMENT = 1, /* it had no owner */
	PLANNER_CAUSE_CONTAINER_LOST,
	PLANNER_CAUSE_CONTAINER_DRAINED,
	PLANNER_CAUSE_PIN,
	PLANNER_CAUSE_WORKER_GROUP,
	PLANNER_CAUSE_MAX_SHARD_COUNT,
	PLANNER_CAUSE_BALANCE
};
enum planner_reason {                    /* why a shard stays unassigned */
	PLANNER_REASON_NO_CONTAINER = 1, /* none alive that takes shards */
	PLANNER_REASON_PIN_ABSENT,
	PLANNER_REASON_PIN_CLOSED,         /* pinned to a container that is drained or cordoned */
	PLANNER_REASON_WORKER_GROUP_EMPTY, /* no container of its worker group is alive and takes shards */
	PLANNER_REASON_MAX_SHARD_COUNT     /* every container that may take it is full */
};
const char *planner_cause_name(
        enum planner_cause cause); /* "placement", "container-lost", … lower-case words joined by '-' */
const char *planner_reason_name(enum planner_reason reason); /* "no-container", "pin-absent", … */

struct planner_move {
	uint32_t shard, from, to; /* from: container number, PLANNER_NONE or PLANNER_ABSENT; to: always a container */
	enum planner_cause cause;
};
struct planner_unassigned {
	uint32_t shard;
	enum planner_reason reason;
};
struct planner_plan {
	struct planner_move *moves; /* ordered by shard number */
	uint32_t move_count;
	struct planner_unassigned *unassigned; /* shards without an owner that get none */
	uint32_t unassigned_count;
	uint64_t hash; /* of input and moves; the same on every machine */
};

/* 0, SM_ENOMEM, or SM_EINVAL (a number out of range). */
int planner_plan(const struct planner_input *input, struct planner_plan *ret_plan);
void planner_plan_done(struct planner_plan *plan);

#endif
