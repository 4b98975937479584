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
	uint32_t container;
	uint32_t count; /* shards of the class that it owns */
	uint32_t
	        start; /* shards of the class that it has where the search starts: the same, or see planner_classes_start */
};

struct planner_class {
	uint32_t group, worker_group, pin;
	uint32_t first, count; /* its shards: places in planner_classes.order */
	uint32_t unowned;      /* of them without an owner that is alive */
	uint32_t adrift;       /* of them nowhere where the search starts: the same, or see planner_classes_start */
	uint32_t first_hold, hold_count; /* who has any: places in planner_classes.holds, ascending by container */
};

struct planner_classes {
	const struct planner_survey *survey;
	struct planner_class *list; /* ascending by group, then worker group, then pin */
	uint32_t count;
	uint32_t *order; /* shard numbers by class */
	struct planner_hold *holds;
	uint32_t *place; /* per container, see planner_classes_mark; all zero when not in use */
};

/* grouped: false = as if all shards had one group. sequence: all shard numbers in the order that order is to have within each
 * class; NULL: ascending. 0 or SM_ENOMEM. */
int planner_classes_init(struct planner_classes *ret_classes, const struct planner_survey *survey, bool grouped,
        const uint32_t *sequence);
/* Makes target (per shard: a container or PLANNER_NONE) what the search starts from. */
void planner_classes_start(struct planner_classes *classes, const uint32_t *target);

/* Marks the class's holds: sets place[container] to where among them a container is, from 1 on. */
void planner_classes_mark(struct planner_classes *classes, const struct planner_class *class);
/* The marked hold of container, or an empty one; unmarks it. Call it for all. */
struct planner_hold planner_classes_take(
        struct planner_classes *classes, const struct planner_class *class, uint32_t container);

void planner_classes_done(struct planner_classes *classes);

#endif
