/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A network for planner_flow: nodes with supply, arcs whose units get dearer one after the other.
 */
#ifndef PLANNER_GRAPH_H
#define PLANNER_GRAPH_H

#include <stdint.h>

/* WHY: levels of importance are packed into one number; 64 bits are too few. */
typedef __int128 planner_cost;

#define PLANNER_GRAPH_PRICES 8

/* The x-th unit (from 0) on an arc costs price[unit] + price[square] * (2 (x + offset) + 1) + (x < knee ? 0 : price[beyond]);
 * so that price[square] weighs the square of offset + flow. price[square] and price[beyond] are not negative, price[0] is 0. */
struct planner_arc {
	uint32_t from, to;
	uint32_t capacity, knee, offset;
	uint8_t unit, square, beyond; /* indexes of planner_graph.price */
	uint32_t place;               /* the owner's: what the arc stands for */
	uint32_t flow;                /* result of planner_flow_solve */
};

struct planner_graph {
	planner_cost price[PLANNER_GRAPH_PRICES];
	uint32_t longest; /* at least the number of arcs of every simple path and cycle */
	uint32_t likely;  /* no arc with a square will carry much more; only the speed depends on it */
	int64_t *supply;  /* per node, sums to 0; negative = demand */
	uint32_t node_count, node_room;
	struct planner_arc *arcs;
	uint32_t arc_count, arc_room;
};

/* A graph of zeroes is empty. Both: 0 or SM_ENOMEM. */
int planner_graph_add_node(struct planner_graph *graph, uint32_t *ret_node);
int planner_graph_add_arc(struct planner_graph *graph, struct planner_arc arc);
void planner_graph_done(struct planner_graph *graph);

#endif
