/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the planner's tests share: snapshots that can be changed, random ones, and what a plan makes of them.
 */
#ifndef PLANNER_CASES_H
#define PLANNER_CASES_H

#include "planner/planner.h"

/* The seed of all random cases: the environment's PLANNER_SEED, or a constant. Printed by the first call. */
uint64_t planner_cases_seed(void);

struct random_state {
	uint64_t s;
};
uint32_t random_below(struct random_state *random, uint32_t limit);
bool random_chance(struct random_state *random, uint32_t percent);

/* An input whose lists may be written to. Room is what planner_case_new was given. */
struct planner_case {
	struct planner_input input;
	struct planner_container *containers;
	struct planner_shard *shards;
	struct planner_worker *workers;
};
struct planner_case *planner_case_new(uint32_t containers, uint32_t shards, uint32_t workers);
void planner_case_free(struct planner_case *c);

/* How restricted a random case is: chances in percent. */
struct planner_case_mix {
	uint32_t drained, cordoned, pinned, pin_absent, worker_grouped, member, unowned, absent, limited;
	uint32_t groups, worker_groups;
};
/* Fills a case of that many containers and shards; room for worker_groups * containers workers. */
void planner_case_fill(struct planner_case *c, struct random_state *random, const struct planner_case_mix *mix);

/* The owner of every shard after the plan; caller frees. */
uint32_t *planner_case_after(const struct planner_case *c, const struct planner_plan *plan);
/* Carries the plan out. */
void planner_case_apply(struct planner_case *c, const struct planner_plan *plan);

#endif
