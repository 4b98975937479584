/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Builds the network group by group, solves it, reads it back. Shards that can go nowhere are not in it: they are a
 * container's base. Containers are nodes 0..k-1, the sink is node k.
 */
#include "planner_network.h"

#include "planner_flow.h"
#include "planner_prices.h"
#include "planner_reach.h"
#include "planner_rules.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

struct class_arcs {
	uint32_t node, first, end; /* its arcs are among these; none: its shards can go nowhere */
	uint32_t unplaced;         /* of them, the one to the sink, or PLANNER_NONE */
};

struct planner_network {
	const struct planner_survey *survey;
	const struct planner_classes *classes;
	struct planner_reach reach;
	struct planner_flow flow;
	uint32_t node_room, arc_room;
	uint32_t *place; /* per arc: the container it leads to */
	struct class_arcs *of_class;
	uint32_t class_count; /* that are in the network */
	uint32_t *base;       /* per container: shards that can go nowhere */
	uint32_t *
	        share; /* per container: what it would carry if each class were spread evenly over its reach, at most */
	uint32_t *sink_arc; /* per container */
	/* While it is being built. */
	bool several_groups;
	uint32_t *mark;       /* per container: what the class holds there; zero between classes */
	uint32_t *group_base; /* per container: base of the group; zero between groups */
	uint32_t *group_node; /* per container: the node (group, container), 0 = none yet */
};

static int add_node(struct planner_network *net, uint32_t *ret_node)
{
	struct planner_flow *flow = &net->flow;

	if (flow->node_count == net->node_room) {
		uint32_t room = net->node_room * 2 + 64;
		int64_t *grown = realloc(flow->supply, room * sizeof(*grown));

		if (!grown)
			return SM_ENOMEM;
		flow->supply = grown;
		net->node_room = room;
	}
	flow->supply[flow->node_count] = 0;
	*ret_node = flow->node_count++;
	return 0;
}

static int add_arc(struct planner_network *net, struct planner_flow_arc arc, uint32_t container)
{
	struct planner_flow *flow = &net->flow;

	if (flow->arc_count == net->arc_room) {
		uint32_t room = net->arc_room * 2 + 256;
		struct planner_flow_arc *arcs = realloc(flow->arcs, room * sizeof(*arcs));
		uint32_t *place;

		if (!arcs)
			return SM_ENOMEM;
		flow->arcs = arcs;
		place = realloc(net->place, room * sizeof(*place));
		if (!place)
			return SM_ENOMEM;
		net->place = place;
		net->arc_room = room;
	}
	net->place[flow->arc_count] = container;
	flow->arcs[flow->arc_count++] = arc;
	return 0;
}

/* Puts what is not up to the search into the bases; answers how many shards are left to it. */
static uint32_t set_aside(struct planner_network *net, const struct planner_class *class)
{
	const struct planner_hold *holds = net->classes->holds + class->first_hold;
	bool going = planner_reach_has_any(&net->reach, class);
	uint32_t left = going ? class->unowned : 0;

	for (uint32_t i = 0; i < class->hold_count; i++) {
		if (going && !planner_rules_is_kept(net->survey, class, holds[i].container)) {
			left += holds[i].count;
			continue;
		}
		net->base[holds[i].container] += holds[i].count;
		net->group_base[holds[i].container] += holds[i].count;
	}
	return left;
}

static int add_group_node(struct planner_network *net, uint32_t container)
{
	struct planner_flow_arc arc = { .to = container, .square = PLANNER_PRICE_GROUP };

	arc.capacity = arc.knee = net->survey->input->shard_count;
	arc.offset = net->group_base[container];
	if (add_node(net, &net->group_node[container]))
		return SM_ENOMEM;
	arc.from = net->group_node[container];
	return add_arc(net, arc, container);
}

/* The arc of a class to a container. Where its group has other classes as well, they meet at a node on the way. */
static int add_class_arc(struct planner_network *net, struct planner_flow_arc arc, uint32_t container, bool alone)
{
	arc.to = container;
	if (net->several_groups && planner_survey_is_taker(net->survey, container)) {
		if (alone) {
			arc.square = PLANNER_PRICE_GROUP;
			arc.offset = net->group_base[container];
		} else {
			if (!net->group_node[container] && add_group_node(net, container))
				return SM_ENOMEM;
			arc.to = net->group_node[container];
		}
	}
	return add_arc(net, arc, container);
}

/* To a container that may take more of the class than the held shards that it has. */
static int add_open_arc(struct planner_network *net, uint32_t node, uint32_t supply, uint32_t container, bool alone)
{
	struct planner_flow_arc arc = { .from = node, .capacity = supply, .beyond = PLANNER_PRICE_MOVE };

	arc.knee = net->mark[container];
	net->mark[container] = 0;
	return add_class_arc(net, arc, container, alone);
}

/* To a container where shards of the class can only stay. */
static int add_stay_arc(struct planner_network *net, uint32_t node, bool welcome, uint32_t container, bool alone)
{
	struct planner_flow_arc arc = { .from = node, .capacity = net->mark[container], .knee = net->mark[container] };

	arc.unit = welcome ? PLANNER_PRICE_NOTHING : PLANNER_PRICE_VIOLATION;
	net->share[container] += net->mark[container];
	net->mark[container] = 0;
	return add_class_arc(net, arc, container, alone);
}

/* To the containers in reach, then to the others that hold shards of the class. */
static int add_class_arcs(struct planner_network *net, uint32_t number, uint32_t node, uint32_t supply, bool alone)
{
	const struct planner_class *class = &net->classes->list[number];
	const struct planner_hold *holds = net->classes->holds + class->first_hold;
	uint32_t count;
	const uint32_t *list = planner_reach_class(&net->reach, class, number, &count);
	int error = 0;

	for (uint32_t i = 0; i < class->hold_count; i++)
		if (!planner_rules_is_kept(net->survey, class, holds[i].container))
			net->mark[holds[i].container] = holds[i].count;
	for (uint32_t i = 0; i < count && !error; i++) {
		net->share[list[i]] += (supply - 1) / count + 1;
		error = add_open_arc(net, node, supply, list[i], alone);
	}
	for (uint32_t i = 0; i < class->hold_count && !error; i++) {
		uint32_t container = holds[i].container;
		bool welcome = planner_rules_is_welcome(net->survey, class, container);

		if (!net->mark[container])
			continue;
		if (welcome && net->survey->stand[container] == PLANNER_OPEN)
			error = add_open_arc(net, node, supply, container, alone);
		else
			error = add_stay_arc(net, node, welcome, container, alone);
	}
	return error;
}

static int add_class(struct planner_network *net, uint32_t number, uint32_t supply, bool alone)
{
	const struct planner_class *class = &net->classes->list[number];
	struct class_arcs *arcs = &net->of_class[number];
	uint32_t sink = net->survey->input->container_count;

	if (add_node(net, &arcs->node))
		return SM_ENOMEM;
	net->class_count++;
	net->flow.supply[arcs->node] = supply;
	net->flow.supply[sink] -= supply;
	arcs->first = net->flow.arc_count;
	if (add_class_arcs(net, number, arcs->node, supply, alone))
		return SM_ENOMEM;
	/* Without a limit every shard of the network finds a place. */
	if (class->unowned && net->survey->input->max_shard_count) {
		struct planner_flow_arc arc = { .from = arcs->node, .to = sink, .unit = PLANNER_PRICE_UNPLACED };

		arc.capacity = arc.knee = class->unowned;
		arcs->unplaced = net->flow.arc_count;
		if (add_arc(net, arc, PLANNER_NONE))
			return SM_ENOMEM;
	}
	arcs->end = net->flow.arc_count;
	return 0;
}

/* Classes first..end have one group. left: scratch, per class. */
static int add_group(struct planner_network *net, uint32_t first, uint32_t end, uint32_t *left)
{
	const struct planner_class *list = net->classes->list;
	uint32_t going = 0, first_arc = net->flow.arc_count;
	uint32_t last_hold = list[end - 1].first_hold + list[end - 1].hold_count;
	int error = 0;

	for (uint32_t i = first; i < end; i++) {
		left[i] = set_aside(net, &list[i]);
		going += left[i] != 0;
	}
	for (uint32_t i = first; i < end && !error; i++)
		if (left[i])
			error = add_class(net, i, left[i], going == 1);
	for (uint32_t i = list[first].first_hold; i < last_hold; i++)
		net->group_base[net->classes->holds[i].container] = 0;
	for (uint32_t i = first_arc; i < net->flow.arc_count; i++)
		if (net->place[i] != PLANNER_NONE)
			net->group_node[net->place[i]] = 0;
	return error;
}

/* The rest of what a container carries, by its stand. */
static int add_sink_arc(struct planner_network *net, uint32_t container)
{
	const struct planner_survey *survey = net->survey;
	uint32_t max = survey->input->max_shard_count, base = net->base[container];
	struct planner_flow_arc arc = { .from = container, .to = survey->input->container_count, .offset = base };

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
	net->sink_arc[container] = net->flow.arc_count;
	return add_arc(net, arc, container);
}

static int build(struct planner_network *net)
{
	const struct planner_classes *classes = net->classes;
	uint32_t containers = net->survey->input->container_count, node, end;
	uint32_t *left = calloc((size_t)classes->count + 1, sizeof(*left));
	int error = left ? 0 : SM_ENOMEM;

	net->flow.node_count = net->flow.arc_count = net->class_count = 0;
	memset(net->base, 0, containers * sizeof(*net->base));
	memset(net->share, 0, containers * sizeof(*net->share));
	for (uint32_t i = 0; i <= containers && !error; i++)
		error = add_node(net, &node);
	for (uint32_t first = 0; first < classes->count && !error; first = end) {
		for (end = first; end < classes->count && classes->list[end].group == classes->list[first].group; end++)
			net->of_class[end] = (struct class_arcs){ .unplaced = PLANNER_NONE };
		error = add_group(net, first, end, left);
	}
	for (uint32_t i = 0; i < containers && !error; i++)
		error = add_sink_arc(net, i);
	free(left);
	return error;
}

/* The largest count among the containers that are levelled; before the network is solved, an estimate from above. */
static uint32_t largest_count(const struct planner_network *net, bool solved)
{
	uint32_t largest = 1, all = net->survey->input->shard_count;

	for (uint32_t c = 0; c < net->survey->input->container_count; c++) {
		uint32_t count = solved ? planner_network_total(net, c) : net->base[c] + net->share[c];

		if (planner_survey_is_taker(net->survey, c) && count > largest)
			largest = count;
	}
	return largest < all ? largest : all;
}

/* Prices are right for counts up to what they were made for: the fewer, the faster, so it begins with an estimate. */
static int solve(struct planner_network *net)
{
	uint32_t most = largest_count(net, false);

	for (;;) {
		uint32_t containers = net->survey->input->container_count;
		int error;

		planner_prices_set(&net->flow, net->class_count, containers, most, net->several_groups);
		error = planner_flow_solve(&net->flow);
		if (error || largest_count(net, true) <= most)
			return error;
		most = net->survey->input->shard_count;
	}
}

/* Is a shard without owner, or where it should not be, while some container has room? Then a wider reach may help. */
static bool is_wanting(const struct planner_network *net)
{
	const struct planner_flow *flow = &net->flow;
	bool bad = false, room = false;

	for (uint32_t i = 0; i < flow->arc_count; i++) {
		const struct planner_flow_arc *arc = &flow->arcs[i];

		bad |= arc->flow && (arc->unit == PLANNER_PRICE_UNPLACED || arc->unit == PLANNER_PRICE_VIOLATION);
		bad |= arc->flow > arc->knee && arc->beyond == PLANNER_PRICE_VIOLATION;
	}
	for (uint32_t c = 0; c < net->survey->input->container_count; c++) {
		const struct planner_flow_arc *arc = &flow->arcs[net->sink_arc[c]];

		room |= net->survey->stand[c] == PLANNER_OPEN && arc->flow < arc->capacity;
	}
	return bad && room;
}

static int build_and_solve(struct planner_network *net)
{
	const struct planner_classes *classes = net->classes;
	int error = planner_reach_init(&net->reach, net->survey, classes);

	net->several_groups = classes->count && classes->list[0].group != classes->list[classes->count - 1].group;
	while (!error) {
		error = build(net);
		if (!error)
			error = solve(net);
		if (error || !net->reach.width || !is_wanting(net))
			break;
		net->reach.width = net->reach.width < net->survey->input->container_count ? net->reach.width * 8 : 0;
	}
	return error;
}

int planner_network_new(const struct planner_survey *survey, const struct planner_classes *classes,
        struct planner_network **ret_network)
{
	size_t containers = (size_t)survey->input->container_count + 1;
	struct planner_network *net = calloc(1, sizeof(*net));
	int error = SM_ENOMEM;

	if (!net)
		return SM_ENOMEM;
	net->survey = survey;
	net->classes = classes;
	net->of_class = calloc((size_t)classes->count + 1, sizeof(*net->of_class));
	net->base = calloc(containers, sizeof(*net->base));
	net->share = calloc(containers, sizeof(*net->share));
	net->sink_arc = calloc(containers, sizeof(*net->sink_arc));
	net->mark = calloc(containers, sizeof(*net->mark));
	net->group_base = calloc(containers, sizeof(*net->group_base));
	net->group_node = calloc(containers, sizeof(*net->group_node));
	if (net->of_class && net->base && net->share && net->sink_arc && net->mark && net->group_base &&
	        net->group_node)
		error = build_and_solve(net);
	if (error)
		planner_network_free(net);
	else
		*ret_network = net;
	return error;
}

void planner_network_free(struct planner_network *net)
{
	if (!net)
		return;
	planner_reach_done(&net->reach);
	free(net->flow.supply);
	free(net->flow.arcs);
	free(net->place);
	free(net->of_class);
	free(net->base);
	free(net->share);
	free(net->sink_arc);
	free(net->mark);
	free(net->group_base);
	free(net->group_node);
	free(net);
}

uint32_t planner_network_total(const struct planner_network *net, uint32_t container)
{
	return net->base[container] + net->flow.arcs[net->sink_arc[container]].flow;
}

uint32_t planner_network_shares(
        const struct planner_network *net, uint32_t number, struct planner_share *shares, uint32_t *ret_share_count)
{
	const struct planner_class *class = &net->classes->list[number];
	const struct planner_hold *holds = net->classes->holds + class->first_hold;
	const struct class_arcs *arcs = &net->of_class[number];
	bool going = arcs->first != arcs->end;
	uint32_t count = 0, placed = going ? class->unowned : 0;

	for (uint32_t i = 0; i < class->hold_count; i++)
		if (!going || planner_rules_is_kept(net->survey, class, holds[i].container))
			shares[count++] = (struct planner_share){ holds[i].container, holds[i].count, 0 };
	for (uint32_t i = arcs->first; i < arcs->end; i++) {
		const struct planner_flow_arc *arc = &net->flow.arcs[i];
		uint32_t stay = arc->flow < arc->knee ? arc->flow : arc->knee;

		if (i == arcs->unplaced)
			placed -= arc->flow;
		else if (arc->from == arcs->node)
			shares[count++] = (struct planner_share){ net->place[i], stay, arc->flow - stay };
	}
	*ret_share_count = count;
	return placed;
}
