/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Lays the network out, sets its prices, solves it, reads it back.
 */
#include "planner_network.h"

#include "planner_flow.h"
#include "planner_layout.h"
#include "planner_prices.h"
#include "shardmgr.h"

#include <stdlib.h>

struct planner_network {
	struct planner_layout layout;
};

/* The largest count among the containers that are levelled; before the network is solved, an estimate from above. */
static uint32_t largest_count(const struct planner_network *network, bool solved)
{
	const struct planner_layout *layout = &network->layout;
	uint32_t largest = 1, all = layout->survey->input->shard_count;

	for (uint32_t c = 0; c < layout->survey->input->container_count; c++) {
		uint32_t count = solved ? planner_network_total(network, c) : layout->base[c] + layout->share[c];

		if (planner_survey_is_taker(layout->survey, c) && count > largest)
			largest = count;
	}
	return largest < all ? largest : all;
}

/* Prices are right for counts up to what they were made for: the fewer, the faster, so it begins with an estimate. */
static int solve(struct planner_network *network)
{
	struct planner_layout *layout = &network->layout;
	uint32_t most = largest_count(network, false);

	for (;;) {
		int error;

		planner_prices_set(&layout->graph, layout->crossing, layout->survey->input->container_count, most,
		        layout->several_groups);
		error = planner_flow_solve(&layout->graph);
		if (error || largest_count(network, true) <= most)
			return error;
		most = layout->survey->input->shard_count;
	}
}

int planner_network_new(
        struct planner_reach *reach, struct planner_classes *classes, struct planner_network **ret_network)
{
	struct planner_network *network = calloc(1, sizeof(*network));
	int error = SM_ENOMEM;

	if (network)
		error = planner_layout_init(&network->layout, reach, classes);
	if (!error)
		error = solve(network);
	if (error)
		planner_network_free(network);
	else
		*ret_network = network;
	return error;
}

void planner_network_free(struct planner_network *network)
{
	if (network)
		planner_layout_done(&network->layout);
	free(network);
}

uint32_t planner_network_total(const struct planner_network *network, uint32_t container)
{
	const struct planner_layout *layout = &network->layout;

	return layout->base[container] + layout->graph.arcs[layout->sink_arc[container]].flow;
}

/* x: how many shards of the class the container carries in the end. */
static struct planner_share share_of(struct planner_hold hold, uint32_t x)
{
	uint32_t stay = hold.count < x ? hold.count : x;

	return (struct planner_share){ hold.container, stay, x - stay };
}

uint32_t planner_network_shares(
        struct planner_network *network, uint32_t number, struct planner_share *shares, uint32_t *ret_share_count)
{
	struct planner_layout *layout = &network->layout;
	const struct planner_class *class = &layout->classes->list[number];
	const struct planner_class_arcs *arcs = &layout->of_class[number];
	uint32_t count = 0, fixed = planner_reach_fixed(layout->reach, class);
	uint32_t placed = arcs->first != arcs->end ? class->unowned : 0;

	planner_classes_mark(layout->classes, class);
	for (uint32_t i = arcs->first; i < arcs->end; i++) {
		const struct planner_arc *arc = &layout->graph.arcs[i];

		if (i == arcs->unplaced) {
			placed -= arc->flow;
		} else if (arc->from == arcs->node) {
			struct planner_hold hold = planner_classes_take(layout->classes, class, arc->place);
			uint32_t base = hold.start < fixed ? hold.start : fixed;

			shares[count++] = share_of(hold, (i < arcs->first_stay ? base : 0) + arc->flow);
		}
	}
	for (uint32_t i = class->first_hold; i < class->first_hold + class->hold_count; i++) {
		uint32_t container = layout->classes->holds[i].container;

		if (layout->classes->place[container])
			shares[count++] = share_of(planner_classes_take(layout->classes, class, container),
			        layout->classes->holds[i].start);
	}
	*ret_share_count = count;
	return placed;
}
