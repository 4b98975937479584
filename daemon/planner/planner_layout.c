/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Builds the network group by group. Containers are nodes 0..k-1, the sink is node k.
 */
#include "planner_layout.h"

#include "planner_prices.h"
#include "planner_rules.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

static const struct planner_hold *holds_of(const struct planner_layout *layout, const struct planner_class *class)
{
	return layout->classes->holds + class->first_hold;
}

static void add_base(struct planner_layout *layout, uint32_t container, uint32_t count)
{
	layout->base[container] += count;
	layout->group_base[container] += count;
}

/* The arc of a class to a container. Where its group has other classes as well, they meet at a node on the way. Arcs with groups get
 * their offset later. */
static int add_class_arc(struct planner_layout *layout, struct planner_arc arc, uint32_t container, bool alone)
{
	uint32_t *node = &layout->group_node[container];
	struct planner_arc onward = { .to = container, .place = container, .square = PLANNER_PRICE_GROUP };

	arc.place = arc.to = container;
	if (layout->several_groups && planner_survey_is_taker(layout->survey, container)) {
		if (alone) {
			arc.square = PLANNER_PRICE_GROUP;
			return planner_graph_add_arc(&layout->graph, arc);
		}
		if (!*node) {
			if (planner_graph_add_node(&layout->graph, node))
				return SM_ENOMEM;
			onward.from = *node;
			onward.capacity = onward.knee = layout->survey->input->shard_count;
			if (planner_graph_add_arc(&layout->graph, onward))
				return SM_ENOMEM;
		}
		arc.to = *node;
	}
	return planner_graph_add_arc(&layout->graph, arc);
}

/* To the containers in reach. Takes their places back; adds to *supply what may move. */
static int add_reach_arcs(struct planner_layout *layout, uint32_t number, bool alone, uint32_t *supply)
{
	const struct planner_class *class = &layout->classes->list[number];
	uint32_t count, fixed = planner_reach_fixed(layout->reach, class);
	const uint32_t *list = planner_reach_class(
	        layout->reach, class, number, holds_of(layout, class), layout->classes->place, &count);
	int error = 0;

	for (uint32_t i = 0; i < count && !error; i++) {
		struct planner_hold hold = planner_classes_take(layout->classes, class, list[i]);
		uint32_t stay = hold.start < fixed ? hold.start : fixed;
		struct planner_arc arc = { .from = layout->of_class[number].node,
			.capacity = class->count,
			.knee = hold.count > stay ? hold.count - stay : 0,
			.beyond = PLANNER_PRICE_MOVE };

		add_base(layout, list[i], stay);
		*supply += hold.start - stay;
		layout->share[list[i]] += (class->count - 1) / count + 1;
		error = add_class_arc(layout, arc, list[i], alone);
	}
	return error;
}

/* To the other containers that have shards of the class: these stay, or go to those in reach. */
static int add_stay_arcs(struct planner_layout *layout, uint32_t number, bool alone, uint32_t *supply)
{
	const struct planner_class *class = &layout->classes->list[number];
	const struct planner_hold *holds = holds_of(layout, class);
	int error = 0;

	for (uint32_t i = 0; i < class->hold_count && !error; i++) {
		uint32_t container = holds[i].container;
		bool welcome = planner_rules_is_welcome(layout->survey, class, container);
		struct planner_arc arc = { .from = layout->of_class[number].node, .capacity = holds[i].count };

		if (!layout->classes->place[container])
			continue;
		layout->classes->place[container] = 0;
		if ((welcome && layout->survey->stand[container] == PLANNER_OPEN) ||
		        planner_rules_is_kept(layout->survey, class, container)) {
			add_base(layout, container, holds[i].start);
			continue;
		}
		arc.knee = arc.capacity;
		arc.unit = welcome ? PLANNER_PRICE_NOTHING : PLANNER_PRICE_VIOLATION;
		*supply += holds[i].start;
		layout->share[container] += arc.capacity;
		error = add_class_arc(layout, arc, container, alone);
	}
	return error;
}

static bool is_crossing(const struct planner_layout *layout, const struct planner_class_arcs *arcs)
{
	uint32_t own = 0;

	for (uint32_t i = arcs->first; i < layout->graph.arc_count && own < 2; i++)
		own += layout->graph.arcs[i].from == arcs->node;
	return own == 2;
}

static int add_class(struct planner_layout *layout, uint32_t number, bool alone)
{
	const struct planner_class *class = &layout->classes->list[number];
	struct planner_class_arcs *arcs = &layout->of_class[number];
	uint32_t sink = layout->survey->input->container_count, supply = class->adrift;

	if (planner_graph_add_node(&layout->graph, &arcs->node))
		return SM_ENOMEM;
	arcs->first = layout->graph.arc_count;
	planner_classes_mark(layout->classes, class);
	if (add_reach_arcs(layout, number, alone, &supply))
		return SM_ENOMEM;
	arcs->first_stay = layout->graph.arc_count;
	if (add_stay_arcs(layout, number, alone, &supply))
		return SM_ENOMEM;
	layout->crossing += is_crossing(layout, arcs);
	/* Without a limit every shard of the network finds a place. */
	if (class->unowned && layout->survey->input->max_shard_count) {
		struct planner_arc arc = {
			.from = arcs->node, .to = sink, .place = PLANNER_NONE, .unit = PLANNER_PRICE_UNPLACED
		};

		arc.capacity = arc.knee = class->unowned;
		arcs->unplaced = layout->graph.arc_count;
		if (planner_graph_add_arc(&layout->graph, arc))
			return SM_ENOMEM;
	}
	arcs->end = layout->graph.arc_count;
	layout->graph.supply[arcs->node] = supply;
	layout->graph.supply[sink] -= supply;
	return 0;
}

static bool is_going(const struct planner_layout *layout, uint32_t number)
{
	uint32_t count;

	planner_reach_open(layout->reach, &layout->classes->list[number], &count);
	return count != 0;
}

/* Gives the group's arcs their offset, and leaves no trace in the scratch. */
static void end_group(struct planner_layout *layout, uint32_t first_class, uint32_t end_class, uint32_t first_arc)
{
	const struct planner_class *first = &layout->classes->list[first_class],
	                           *last = &layout->classes->list[end_class - 1];

	for (uint32_t i = first_arc; i < layout->graph.arc_count; i++) {
		struct planner_arc *arc = &layout->graph.arcs[i];

		if (arc->square == PLANNER_PRICE_GROUP)
			arc->offset = layout->group_base[arc->place];
		if (arc->place != PLANNER_NONE)
			layout->group_node[arc->place] = 0;
	}
	for (uint32_t i = first->first_hold; i < last->first_hold + last->hold_count; i++)
		layout->group_base[layout->classes->holds[i].container] = 0;
}

/* Classes first..end have one group. */
static int add_group(struct planner_layout *layout, uint32_t first, uint32_t end)
{
	const struct planner_class *list = layout->classes->list;
	uint32_t going = 0, first_arc = layout->graph.arc_count;
	int error = 0;

	for (uint32_t i = first; i < end; i++)
		going += is_going(layout, i);
	for (uint32_t i = first; i < end && !error; i++) {
		layout->of_class[i].unplaced = PLANNER_NONE;
		if (is_going(layout, i)) {
			error = add_class(layout, i, going == 1);
			continue;
		}
		for (uint32_t j = list[i].first_hold; j < list[i].first_hold + list[i].hold_count; j++)
			add_base(layout, layout->classes->holds[j].container, layout->classes->holds[j].start);
	}
	end_group(layout, first, end, first_arc);
	return error;
}

/* The rest of what a container carries, by its stand. */
static int add_sink_arc(struct planner_layout *layout, uint32_t container)
{
	const struct planner_survey *survey = layout->survey;
	uint32_t max = survey->input->max_shard_count, base = layout->base[container];
	struct planner_arc arc = { .from = container, .to = survey->input->container_count, .offset = base };

	arc.place = PLANNER_NONE;
	arc.capacity = survey->held[container] - base;
	arc.knee = max > base ? max - base : 0;
	if (!max)
		arc.knee = UINT32_MAX;
	switch (survey->stand[container]) {
	case PLANNER_OPEN:
		arc.capacity = max ? arc.knee : survey->input->shard_count;
		arc.square = PLANNER_PRICE_COUNT;
		break;
	case PLANNER_OVERFULL:
		arc.square = PLANNER_PRICE_COUNT;
		arc.beyond = PLANNER_PRICE_VIOLATION;
		break;
	case PLANNER_CORDONED:
		arc.unit = PLANNER_PRICE_KEEP;
		arc.beyond = PLANNER_PRICE_VIOLATION;
		break;
	case PLANNER_DRAINED:
		break;
	}
	layout->sink_arc[container] = layout->graph.arc_count;
	return planner_graph_add_arc(&layout->graph, arc);
}

static int build(struct planner_layout *layout)
{
	const struct planner_class *list = layout->classes->list;
	uint32_t containers = layout->survey->input->container_count, classes = layout->classes->count, node, end;
	int error = 0;

	layout->several_groups = classes && list[0].group != list[classes - 1].group;
	for (uint32_t i = 0; i <= containers && !error; i++)
		error = planner_graph_add_node(&layout->graph, &node);
	for (uint32_t first = 0; first < classes && !error; first = end) {
		for (end = first + 1; end < classes && list[end].group == list[first].group;)
			end++;
		error = add_group(layout, first, end);
	}
	for (uint32_t i = 0; i < containers && !error; i++)
		error = add_sink_arc(layout, i);
	return error;
}

int planner_layout_init(struct planner_layout *ret_layout, struct planner_reach *reach, struct planner_classes *classes)
{
	size_t containers = (size_t)reach->survey->input->container_count + 1;
	struct planner_layout layout = { .survey = reach->survey, .classes = classes, .reach = reach };
	int error = SM_ENOMEM;

	layout.of_class = calloc((size_t)classes->count + 1, sizeof(*layout.of_class));
	layout.sink_arc = calloc(containers, sizeof(*layout.sink_arc));
	layout.base = calloc(containers, sizeof(*layout.base));
	layout.share = calloc(containers, sizeof(*layout.share));
	layout.group_base = calloc(containers, sizeof(*layout.group_base));
	layout.group_node = calloc(containers, sizeof(*layout.group_node));
	if (layout.of_class && layout.sink_arc && layout.base && layout.share && layout.group_base && layout.group_node)
		error = build(&layout);
	if (error)
		planner_layout_done(&layout);
	else
		*ret_layout = layout;
	return error;
}

void planner_layout_done(struct planner_layout *layout)
{
	planner_graph_done(&layout->graph);
	free(layout->of_class);
	free(layout->sink_arc);
	free(layout->base);
	free(layout->share);
	free(layout->group_base);
	free(layout->group_node);
	memset(layout, 0, sizeof(*layout));
}
