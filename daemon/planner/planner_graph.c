/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two arrays that double.
 */
#include "planner_graph.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

/* WHY: half of 32 bits; planner_flow numbers the two ends of an arc. */
#define MOST_ARCS (UINT32_MAX / 2)

int planner_graph_add_node(struct planner_graph *graph, uint32_t *ret_node)
{
	if (graph->node_count == graph->node_room) {
		size_t room = (size_t)graph->node_room * 2 + 64;
		int64_t *supply = room < UINT32_MAX ? realloc(graph->supply, room * sizeof(*supply)) : NULL;

		if (!supply)
			return SM_ENOMEM;
		graph->supply = supply;
		graph->node_room = (uint32_t)room;
	}
	graph->supply[graph->node_count] = 0;
	*ret_node = graph->node_count++;
	return 0;
}

int planner_graph_add_arc(struct planner_graph *graph, struct planner_arc arc)
{
	if (graph->arc_count == graph->arc_room) {
		size_t room = (size_t)graph->arc_room * 2 + 256;
		struct planner_arc *arcs = room < MOST_ARCS ? realloc(graph->arcs, room * sizeof(*arcs)) : NULL;

		if (!arcs)
			return SM_ENOMEM;
		graph->arcs = arcs;
		graph->arc_room = (uint32_t)room;
	}
	graph->arcs[graph->arc_count++] = arc;
	return 0;
}

void planner_graph_done(struct planner_graph *graph)
{
	free(graph->supply);
	free(graph->arcs);
	memset(graph, 0, sizeof(*graph));
}
