/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Any snapshot, restricted or not: where every shard is to be.
 */
#ifndef PLANNER_SEARCH_H
#define PLANNER_SEARCH_H

#include "planner_survey.h"

/* What planner_plan takes for exact. */
#define PLANNER_SEARCH_EXACT (1u << 19)

/* Sets target[shard]: its owner, another container, or PLANNER_NONE. exact: up to that many pairs of a class and a container that
 * it may run on the outcome is the best; with more, the groups' balance and the number of moves are only near it. Opens containers of the
 * survey that end within max_shard_count. 0 or SM_ENOMEM. */
int planner_search(struct planner_survey *survey, uint64_t exact, uint32_t *target);

#endif
