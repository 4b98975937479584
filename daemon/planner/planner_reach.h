/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The containers that a class's shards may move to: all that the rules allow, or, where classes times containers are too
 * many to search, a narrow choice of them.
 *
 * A narrow choice has the containers that hold less than an even share, the likely targets, and some others spread over the
 * rest; both at even distances, shifted from class to class. (Those that hold shards of the class come on top: they are
 * the caller's business.)
 */
#ifndef PLANNER_REACH_H
#define PLANNER_REACH_H

#include "planner_classes.h"

struct planner_reach {
	const struct planner_survey *survey;
	/* Open containers, ascending: those of worker group g at start[g], after the last group all; and of these the ones that
	 * hold less than an even share. */
	uint32_t *open, *open_start;
	uint32_t *low, *low_start;
	uint32_t width; /* 0: all; else at least this many of either kind */
	uint32_t *list; /* what planner_reach_class answered last */
	bool *is_listed;
};

/* Takes width 0 when the lists of all classes together have room in PLANNER_REACH_EXACT, else the narrowest. 0 or SM_ENOMEM. */
int planner_reach_init(
        struct planner_reach *ret_reach, const struct planner_survey *survey, const struct planner_classes *classes);
void planner_reach_done(struct planner_reach *reach);

#define PLANNER_REACH_EXACT (1u << 20)
#define PLANNER_REACH_NARROWEST 64u

/* Could any shard of the class move anywhere? */
bool planner_reach_has_any(const struct planner_reach *reach, const struct planner_class *class);

/* The choice for class number number, each container once; valid until the next call. */
const uint32_t *planner_reach_class(
        struct planner_reach *reach, const struct planner_class *class, uint32_t number, uint32_t *ret_count);

#endif
