/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Looks for a negative cycle (Bellman-Ford) in the graph of single changes, with costs compared level by level.
 *
 * Nodes: (place, group), place and the ground. A shard leaves (p, g) for (q, g); (p, g) -> p: p has one more of g; p -> ground: p has one more in
 * all; and back. The last place is "no owner".
 */
#include "planner_certificate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { UNPLACED, VIOLATIONS, COUNTS, GROUPS, MOVES, LEVELS };

struct cost {
	int64_t level[LEVELS];
};

struct edge {
	uint32_t from, to;
	struct cost cost;
};

struct graph {
	const struct planner_case *c;
	const uint32_t *owner;
	uint32_t places, groups, nodes;
	uint32_t *count;    /* [place] */
	uint32_t *in_group; /* [place * groups + group] */
	struct edge *edges;
	uint32_t edge_count, edge_room;
};

static uint32_t place_of(const struct graph *g, uint32_t shard)
{
	return g->owner[shard] == PLANNER_NONE ? g->places - 1 : g->owner[shard];
}

static uint32_t group_node(const struct graph *g, uint32_t place, uint32_t group)
{
	return place * g->groups + group;
}

static uint32_t place_node(const struct graph *g, uint32_t place)
{
	return g->places * g->groups + place;
}

static void add_edge(struct graph *g, uint32_t from, uint32_t to, struct cost cost)
{
	if (g->edge_count == g->edge_room) {
		g->edge_room = 2 * g->edge_room + 1024;
		g->edges = realloc(g->edges, g->edge_room * sizeof(*g->edges));
		assert(g->edges);
	}
	g->edges[g->edge_count++] = (struct edge){ from, to, cost };
}

static bool is_right_for(const struct graph *g, const struct planner_shard *shard, uint32_t container)
{
	if (shard->pin != PLANNER_NONE)
		return shard->pin == container;
	for (uint32_t i = 0; i < g->c->input.worker_count; i++)
		if (g->c->workers[i].worker_group == shard->worker_group && g->c->workers[i].container == container)
			return true;
	return shard->worker_group == PLANNER_NONE;
}

/* What it costs that the shard is at place; false if it may not be there. */
static bool cost_at(const struct graph *g, const struct planner_shard *shard, uint32_t place, struct cost *cost)
{
	bool owned = shard->owner < g->c->input.container_count, right;

	memset(cost, 0, sizeof(*cost));
	if (place == g->places - 1) {
		cost->level[UNPLACED] = 1;
		return !owned;
	}
	right = !g->c->containers[place].drained && is_right_for(g, shard, place);
	cost->level[VIOLATIONS] = !right;
	cost->level[MOVES] = owned && shard->owner != place;
	return right || shard->owner == place;
}

static struct cost minus(struct cost a, struct cost b)
{
	for (int i = 0; i < LEVELS; i++)
		a.level[i] -= b.level[i];
	return a;
}

static int compare(struct cost a, struct cost b)
{
	for (int i = 0; i < LEVELS; i++)
		if (a.level[i] != b.level[i])
			return a.level[i] < b.level[i] ? -1 : 1;
	return 0;
}

static void add_shard(struct graph *g, uint32_t i)
{
	const struct planner_shard *shard = &g->c->shards[i];
	uint32_t from = place_of(g, i);
	struct cost here, there;

	cost_at(g, shard, from, &here);
	for (uint32_t to = 0; to < g->places; to++)
		if (to != from && cost_at(g, shard, to, &there))
			add_edge(g, group_node(g, from, shard->group), group_node(g, to, shard->group),
			        minus(there, here));
}

/* Both directions between a node and the one that sums it up. */
static void add_level(
        struct graph *g, uint32_t node, uint32_t above, int level, uint32_t count, bool may_grow, bool matters)
{
	struct cost more = { { 0 } }, less = { { 0 } };

	if (matters) {
		more.level[level] = 2 * (int64_t)count + 1;
		less.level[level] = 1 - 2 * (int64_t)count;
	}
	if (may_grow)
		add_edge(g, node, above, more);
	if (count)
		add_edge(g, above, node, less);
}

static void add_place(struct graph *g, uint32_t place)
{
	uint32_t max = g->c->input.max_shard_count;
	bool real = place < g->places - 1, matters = real && !g->c->containers[place].drained;

	for (uint32_t group = 0; group < g->groups; group++)
		add_level(g, group_node(g, place, group), place_node(g, place), GROUPS,
		        g->in_group[group_node(g, place, group)], true, matters);
	add_level(g, place_node(g, place), g->nodes - 1, COUNTS, g->count[place],
	        !matters || !max || g->count[place] < max, matters);
}

static bool has_negative_cycle(const struct graph *g)
{
	struct cost *distance = calloc(g->nodes, sizeof(*distance));
	bool changed = true;

	assert(distance);
	for (uint32_t round = 0; round <= g->nodes && changed; round++) {
		changed = false;
		for (uint32_t i = 0; i < g->edge_count; i++) {
			const struct edge *edge = &g->edges[i];
			struct cost reached = distance[edge->from];

			for (int l = 0; l < LEVELS; l++)
				reached.level[l] += edge->cost.level[l];
			if (compare(reached, distance[edge->to]) < 0) {
				distance[edge->to] = reached;
				changed = true;
			}
		}
	}
	free(distance);
	return changed;
}

bool planner_certificate_holds(const struct planner_case *c, const uint32_t *owner)
{
	struct graph g = { .c = c, .owner = owner };
	bool holds;

	g.places = c->input.container_count + 1;
	g.groups = c->input.group_count;
	g.nodes = g.places * g.groups + g.places + 1;
	g.count = calloc(g.places, sizeof(*g.count));
	g.in_group = calloc((size_t)g.places * g.groups, sizeof(*g.in_group));
	assert(g.count && g.in_group);
	for (uint32_t i = 0; i < c->input.shard_count; i++) {
		g.count[place_of(&g, i)]++;
		g.in_group[group_node(&g, place_of(&g, i), c->shards[i].group)]++;
		add_shard(&g, i);
	}
	for (uint32_t place = 0; place < g.places; place++)
		add_place(&g, place);
	holds = !has_negative_cycle(&g);
	free(g.count);
	free(g.in_group);
	free(g.edges);
	return holds;
}
