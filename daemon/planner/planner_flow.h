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

#include "planner_graph.h"

/* Sets every arc's flow. A flow that satisfies all supplies must exist. Depends on nothing but the graph. 0 or SM_ENOMEM. */
int planner_flow_solve(struct planner_graph *graph);

#endif
