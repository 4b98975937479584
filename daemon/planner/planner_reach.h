/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Which containers the search looks at for a class, and how many of the shards there it may move: all that the rules allow,
 * or a narrow choice, for snapshots that are nearly right already and too large to be searched in full.
 *
 * A narrow choice has the containers with more or fewer shards of the class than an even share, and a few others at even distances,
 * shifted from class to class, through which shards can be exchanged; it leaves an even share where it is.
 */
#ifndef PLANNER_REACH_H
#define PLANNER_REACH_H

#include "planner_classes.h"

struct planner_reach {
	const struct planner_survey *survey;
	uint32_t *open;       /* open containers, ascending: those of each worker group, then all */
	uint32_t *open_start; /* per worker group, one for all, and the end */
	uint32_t sample;      /* narrow: how many others; 0: not narrow */
	uint32_t *list;       /* scratch */
	bool *is_listed;      /* per container, scratch: all false between calls */
};

/* 0 or SM_ENOMEM. */
int planner_reach_init(struct planner_reach *ret_reach, const struct planner_survey *survey);
void planner_reach_done(struct planner_reach *reach);

/* How many (class, container) pairs are in reach when it is not narrow. */
uint64_t planner_reach_size(const struct planner_reach *reach, const struct planner_classes *classes);

/* The open containers that the class may run on, ascending. */
const uint32_t *planner_reach_open(
        const struct planner_reach *reach, const struct planner_class *class, uint32_t *ret_count);

/* Those of them in reach, each once; valid until the next call. number: the class's; holds: its own; place: per
 * container, where in them it is, from 1 on, or 0. */
const uint32_t *planner_reach_class(struct planner_reach *reach, const struct planner_class *class, uint32_t number,
        const struct planner_hold *holds, const uint32_t *place, uint32_t *ret_count);

/* How many shards of the class stay on a container in reach in any case, if that many are there. */
uint32_t planner_reach_fixed(const struct planner_reach *reach, const struct planner_class *class);

#endif
