/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a plan is worth, straight from the words of planner.h, and the best there is, by trying everything.
 */
#ifndef PLANNER_ORACLE_H
#define PLANNER_ORACLE_H

#include "planner_cases.h"

#define ORACLE_CONTAINERS 16

/* In the order of importance; less is better. */
struct planner_worth {
	uint32_t unplaced;                  /* shards without owner */
	uint32_t violations;                /* shards where they may not be; shards above max_shard_count */
	uint32_t left_cordoned;             /* shards that left a cordoned container */
	uint32_t counts[ORACLE_CONTAINERS]; /* of containers neither drained nor cordoned, largest first */
	uint64_t group_squares;             /* sum over these and the groups of the squares of counts */
	uint32_t moves;                     /* of shards that had an owner */
};
int planner_worth_compare(const struct planner_worth *a, const struct planner_worth *b);

/* NULL, or the hard rule that this outcome (owner per shard) breaks. closed: containers that stay above max_shard_count
 * and therefore take nothing. */
const char *planner_oracle_breach(const struct planner_case *c, const uint32_t *owner, const bool *closed);

void planner_oracle_worth(const struct planner_case *c, const uint32_t *owner, struct planner_worth *ret_worth);

/* The best worth of all outcomes that break no rule. */
void planner_oracle_best(const struct planner_case *c, const bool *closed, struct planner_worth *ret_worth);

#endif
