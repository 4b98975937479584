/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Minimum-cost flow with convex arc costs, by cost scaling (push and relabel): A. V. Goldberg, R. E. Tarjan, "Finding
 * minimum-cost circulations by successive approximation", Math. of OR 15 (1990); convex arcs as in R. K. Ahuja, T. L. Magnanti,
 * J. B. Orlin, "Network Flows" (1993), chapter 14: an arc stands for one arc per unit, and as these get dearer one after the other, units
 * are always taken in order. Exact: all numbers are integers.
 */
#ifndef PLANNER_FLOW_H
#define PLANNER_FLOW_H

#include <stdint.h>

typedef __int128 planner_cost; /* WHY: levels of importance are packed into one number; 64 bits are too few */

#define PLANNER_FLOW_PRICES 8

/* The x-th unit (from 0) on an arc costs price[unit] + price[square] * (2 (x + offset) + 1) + (x < knee ? 0 : price[beyond]);
 * so that price[square] weighs the square of offset + flow. price[square] and price[beyond] are not negative. */
struct planner_flow_arc {
	uint32_t from, to;
	uint32_t capacity, knee, offset;
	uint8_t unit, square, beyond; /* indexes of planner_flow.price */
	uint32_t flow;                /* result */
};

struct planner_flow {
	uint32_t node_count;
	uint32_t longest; /* at least the number of arcs of every simple path and cycle; node_count always does */
	int64_t *supply;  /* per node; sums to 0; negative = demand. Destroyed. A flow that satisfies it must exist. */
	struct planner_flow_arc *arcs;
	uint32_t arc_count;
	uint32_t likely; /* no arc with a square will carry much more; only the speed depends on it */
	planner_cost price[PLANNER_FLOW_PRICES];
};

/* Sets every arc's flow. Depends on nothing but the arguments. 0 or SM_ENOMEM. */
int planner_flow_solve(struct planner_flow *flow);

#endif
