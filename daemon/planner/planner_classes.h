/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Shards that are equal in group, worker group and pin are interchangeable: a class. Only how many of a class are where
 * matters to the search, and there are few classes even where there are many shards.
 */
#ifndef PLANNER_CLASSES_H
#define PLANNER_CLASSES_H

#include "planner_survey.h"

struct planner_hold {
	uint32_t container, count;
};

struct planner_class {
	uint32_t group, worker_group, pin;
	uint32_t first, count; /* its shards: places in planner_classes.order */
	uint32_t unowned;      /* of them without an owner that is alive */
	uint32_t first_hold,
	        hold_count; /* who owns how many: places in planner_classes.holds, ascending by container */
};

struct planner_classes {
	struct planner_class *list; /* ascending by group, then worker group, then pin */
	uint32_t count;
	uint32_t *order; /* shard numbers by class, ascending within each */
	struct planner_hold *holds;
};

/* 0 or SM_ENOMEM. */
int planner_classes_init(struct planner_classes *ret_classes, const struct planner_survey *survey);
void planner_classes_done(struct planner_classes *classes);

#endif
