/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Which container should carry which shard: a pure function from a snapshot to a plan. No clock, no I/O, no allocation that outlives the
 * call but the plan, no randomness. It works on dense numbers; names stay outside. The caller numbers containers, shards, groups and worker
 * groups in the order of their ids (bytewise), so that the order in which it learnt of them has no meaning and ties break by id.
 *
 * What a plan reaches, in this order:
 *   1. Hard rules. A shard goes only to a container that is neither drained nor cordoned, that is its pin or (unpinned) in its worker
 *      group, and that carries no more than max_shard_count with it. A shard that no container may take is in `unassigned` with the rule
 *      that says so, and moves nothing else. A shard that has an owner never loses it without a place to go: it stays where it is.
 *   2. Everything placeable is placed; other shards make room for it where max_shard_count demands.
 *   3. As few shards as possible stay where they should not be: on a drained container, outside of their pin or worker group, above
 *      max_shard_count. (A container above max_shard_count takes nothing, unless the plan brings it within.) Cordoned containers
 *      keep everything else that they have. Where several are above and there is no room for all that they shed, which of them come
 *      within is not weighed against 2; all else is.
 *   4. Balance: over the containers neither drained nor cordoned the sorted vector of whole-container counts is as even as
 *      possible, least maximum first; then the sum of the squares of each group's counts is least. Without restrictions: all
 *      counts within 1, and each group's.
 *   5. Fewest moves that reach this. One group and no restrictions: with c_i held, n shards, k containers, q = n div k, r = n mod k:
 *      sum max(0, c_i - q) - min(r, |{i : c_i > q}|), plus the placements.
 *   6. Ties towards the present owner, then by number.
 * One to four are always exact but for the groups' squares; these and the number of moves are exact up to half a million pairs of a
 * class (shards equal in group, worker group and pin) and a container that it may run on, in any case with one group; above, they are
 * near the least, and planning again may improve the groups further. README.md has the measurements.
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
