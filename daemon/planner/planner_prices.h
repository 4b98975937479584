/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a plan must reach, in its order, as prices: a change for the better on one level is worth more than all that the
 * change can do for the worse on the levels below.
 *
 * It is enough that this holds for changes along a simple cycle of the network, since whatever is not the best can be improved
 * along one. Such a cycle meets each class and the sink at most once; so it has at most two arcs with moves, two with groups and two
 * with violations for each of them, and two arcs at the sink. A class that leads to one container only, as most pins do, can only be next
 * to the sink, or where a path begins or ends.
 */
#ifndef PLANNER_PRICES_H
#define PLANNER_PRICES_H

#include "planner_graph.h"

#include <stdbool.h>

enum planner_price {
	PLANNER_PRICE_NOTHING,
	PLANNER_PRICE_MOVE,      /* a shard comes from elsewhere */
	PLANNER_PRICE_GROUP,     /* square of a group's count on a container */
	PLANNER_PRICE_COUNT,     /* square of a container's count */
	PLANNER_PRICE_KEEP,      /* negative: a shard stays on a cordoned container */
	PLANNER_PRICE_VIOLATION, /* a shard stays where it should not be, or a container above its limit */
	PLANNER_PRICE_UNPLACED
};

/* Sets the graph's prices, longest and likely. classes: those that lead to several containers; most: the largest count of a container
 * that the prices allow for; groups: is there more than one? */
void planner_prices_set(struct planner_graph *graph, uint32_t classes, uint32_t containers, uint32_t most, bool groups);

#endif
