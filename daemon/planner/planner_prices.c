/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Beyond what 127 bits hold shorter cycles must do: with a million shards, above 10,000 classes on as many containers.
 */
#include "planner_prices.h"

#define MOST_STOPS 65536u /* no price overflows with these, whatever the counts */

/* For cycles through that many classes and sink. */
static void set_for(struct planner_graph *graph, uint32_t stops, uint32_t most, bool groups)
{
	planner_cost *price = graph->price;
	planner_cost arcs = 2 * (planner_cost)stops, marginal = 2 * (planner_cost)most + 1;

	price[PLANNER_PRICE_NOTHING] = 0;
	price[PLANNER_PRICE_MOVE] = 1;
	price[PLANNER_PRICE_GROUP] = arcs + 1;
	price[PLANNER_PRICE_COUNT] = groups ? price[PLANNER_PRICE_GROUP] * (arcs * marginal + 1) : arcs + 1;
	price[PLANNER_PRICE_KEEP] = -price[PLANNER_PRICE_COUNT] * (2 * marginal + 1);
	price[PLANNER_PRICE_VIOLATION] = -price[PLANNER_PRICE_KEEP] * 3;
	price[PLANNER_PRICE_UNPLACED] = price[PLANNER_PRICE_VIOLATION] * (arcs + 3);
}

/* Potentials stay within three times the longest path at the largest cost. */
static bool fits(const struct planner_graph *graph)
{
	long double largest = (long double)graph->price[PLANNER_PRICE_UNPLACED] * 2 * ((long double)graph->longest + 1);

	return largest * 4 * ((long double)graph->longest + 1) < 0x1p126L;
}

void planner_prices_set(struct planner_graph *graph, uint32_t classes, uint32_t containers, uint32_t most, bool groups)
{
	/* The sink, a class of one container on either side of it, and one at either end. */
	uint32_t stops = (classes < containers ? classes : containers) + 5;

	/* Between two stops lie at most a container and its nodes for two groups. */
	graph->longest = stops < UINT32_MAX / 4 ? 4 * stops : UINT32_MAX;
	graph->likely = most;
	if (stops > MOST_STOPS)
		stops = MOST_STOPS;
	for (set_for(graph, stops, most, groups); !fits(graph) && stops > 6; set_for(graph, stops, most, groups))
		stops -= stops / 4 + 1;
}
