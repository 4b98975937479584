/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The restricted case as a network:
 *
 *     class ---> (group, container) ---> container ---> sink          class ---> sink: stays without owner
 *
 * How many shards of a class a container carries is the flow on the first kind of arc, and what stays where it is in any case, which
 * is not in the network but in the containers' base. The middle nodes are left out where there is one group, or a group has one class.
 */
#ifndef PLANNER_LAYOUT_H
#define PLANNER_LAYOUT_H

#include "planner_classes.h"
#include "planner_graph.h"
#include "planner_reach.h"

struct planner_class_arcs {
	uint32_t node, first, end; /* its arcs are among these; none: its shards can go nowhere */
	uint32_t first_stay;       /* of them, the first to a container that is not in reach */
	uint32_t unplaced;         /* and the one to the sink, or PLANNER_NONE */
};

struct planner_layout {
	const struct planner_survey *survey;
	struct planner_classes *classes;
	struct planner_reach *reach;
	struct planner_graph graph; /* an arc's place is its container, or PLANNER_NONE */
	struct planner_class_arcs *of_class;
	uint32_t *sink_arc; /* per container */
	uint32_t *base;     /* per container: shards that stay in any case */
	uint32_t *share; /* per container: what it would carry beyond them if each class were spread evenly, at most */
	uint32_t crossing; /* classes through which a path may lead from one container to another */
	bool several_groups;
	uint32_t *group_base, *group_node; /* per container, scratch: all zero between groups */
};

/* Prices are not set yet. Reach (with its survey) and classes must outlive the layout. 0 or SM_ENOMEM. */
int planner_layout_init(
        struct planner_layout *ret_layout, struct planner_reach *reach, struct planner_classes *classes);
void planner_layout_done(struct planner_layout *layout);

#endif
