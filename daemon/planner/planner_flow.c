/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A flow is optimal when no arc with room has a negative reduced cost, and optimal within epsilon when none is below -epsilon. Each
 * phase makes epsilon smaller and repairs; costs are multiplied by more than the length of any cycle, so that the last
 * phase (epsilon = 1) is exact.
 */
#include "planner_flow.h"

#include "shardmgr.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_STEP 8

struct solver {
	struct planner_graph *graph;
	planner_cost price[PLANNER_GRAPH_PRICES]; /* multiplied */
	planner_cost *potential;                  /* per node */
	planner_cost epsilon;
	int64_t *excess;   /* per node: supply that is still there */
	uint32_t *first;   /* per node: its place in ends; node_count + 1 of them */
	uint32_t *ends;    /* arc * 2 + (1: seen from its head) */
	uint32_t *current; /* per node: the end to look at next */
	uint32_t *queue;   /* ring of nodes with excess */
	uint32_t queue_read, queue_count;
};

static planner_cost unit_cost(const struct solver *s, const struct planner_arc *arc, uint32_t x)
{
	planner_cost cost = s->price[arc->unit];

	if (arc->square)
		cost += s->price[arc->square] * (2 * ((int64_t)x + arc->offset) + 1);
	if (x >= arc->knee)
		cost += s->price[arc->beyond];
	return cost;
}

/* What a unit from the arc's tail to its head may cost at most to be worth it. */
static planner_cost worth(const struct solver *s, const struct planner_arc *arc)
{
	return s->potential[arc->to] - s->potential[arc->from];
}

/* How many of the units [x, end), which do not cross the knee, cost less than limit. */
static uint32_t count_cheaper(
        const struct solver *s, const struct planner_arc *arc, uint32_t x, uint32_t end, planner_cost limit)
{
	planner_cost cost = unit_cost(s, arc, x), step = 2 * s->price[arc->square], units;

	if (cost >= limit)
		return 0;
	if (!arc->square)
		return end - x;
	units = (limit - cost + step - 1) / step;
	return units < end - x ? (uint32_t)units : end - x;
}

/* How many of the units [start, x), which do not cross the knee, cost more than limit. */
static uint32_t count_dearer(
        const struct solver *s, const struct planner_arc *arc, uint32_t start, uint32_t x, planner_cost limit)
{
	planner_cost cost = unit_cost(s, arc, x - 1), step = 2 * s->price[arc->square], units;

	if (cost <= limit)
		return 0;
	if (!arc->square)
		return x - start;
	units = (cost - limit + step - 1) / step;
	return units < x - start ? (uint32_t)units : x - start;
}

/* Units that can be added with a negative reduced cost each, at most most. */
static uint32_t units_forward(const struct solver *s, const struct planner_arc *arc, int64_t most)
{
	planner_cost limit = worth(s, arc);
	uint32_t x = arc->flow, end = arc->capacity, units = 0;

	if (most < end - x)
		end = x + (uint32_t)most;
	if (x < arc->knee && x < end) {
		uint32_t middle = arc->knee < end ? arc->knee : end;

		units = count_cheaper(s, arc, x, middle, limit);
		if (x + units < middle)
			return units;
		x = middle;
	}
	return x < end ? units + count_cheaper(s, arc, x, end, limit) : units;
}

/* Units that can be taken back with a negative reduced cost each, at most most. */
static uint32_t units_backward(const struct solver *s, const struct planner_arc *arc, int64_t most)
{
	planner_cost limit = worth(s, arc);
	uint32_t x = arc->flow, start = most < x ? x - (uint32_t)most : 0, units = 0;

	if (x > arc->knee && x > start) {
		uint32_t middle = arc->knee > start ? arc->knee : start;

		units = count_dearer(s, arc, middle, x, limit);
		if (x - units > middle)
			return units;
		x = middle;
	}
	return x > start ? units + count_dearer(s, arc, start, x, limit) : units;
}

static void enqueue(struct solver *s, uint32_t node)
{
	uint32_t place = s->queue_read + s->queue_count++;

	if (place >= s->graph->node_count)
		place -= s->graph->node_count;
	s->queue[place] = node;
}

static uint32_t dequeue(struct solver *s)
{
	uint32_t node = s->queue[s->queue_read++];

	if (s->queue_read == s->graph->node_count)
		s->queue_read = 0;
	s->queue_count--;
	return node;
}

/* Makes every arc optimal for the present potentials; what that leaves at the nodes is the phase's work. */
static void start_phase(struct solver *s)
{
	struct planner_graph *graph = s->graph;

	for (uint32_t i = 0; i < graph->arc_count; i++) {
		struct planner_arc *arc = &graph->arcs[i];
		uint32_t more = units_forward(s, arc, INT64_MAX);
		uint32_t less = more ? 0 : units_backward(s, arc, INT64_MAX);

		arc->flow += more - less;
		s->excess[arc->from] += (int64_t)less - more;
		s->excess[arc->to] += (int64_t)more - less;
	}
	s->queue_read = s->queue_count = 0;
	for (uint32_t node = 0; node < graph->node_count; node++) {
		s->current[node] = s->first[node];
		if (s->excess[node] > 0)
			enqueue(s, node);
	}
}

/* Lowers the node's potential as far as its arcs allow and epsilon more, which opens at least one of them. */
static void relabel(struct solver *s, uint32_t node)
{
	const struct planner_arc *arcs = s->graph->arcs;
	planner_cost best = 0;
	bool found = false;

	for (uint32_t i = s->first[node]; i < s->first[node + 1]; i++) {
		const struct planner_arc *arc = &arcs[s->ends[i] >> 1];
		planner_cost reach;

		if (s->ends[i] & 1) {
			if (!arc->flow)
				continue;
			reach = s->potential[arc->from] + unit_cost(s, arc, arc->flow - 1);
		} else {
			if (arc->flow == arc->capacity)
				continue;
			reach = s->potential[arc->to] - unit_cost(s, arc, arc->flow);
		}
		if (!found || reach > best)
			best = reach;
		found = true;
	}
	s->potential[node] = best - s->epsilon;
}

static void push(struct solver *s, uint32_t end, uint32_t from)
{
	struct planner_graph *graph = s->graph;
	struct planner_arc *arc = &graph->arcs[end >> 1];
	uint32_t to = end & 1 ? arc->from : arc->to;
	uint32_t units = end & 1 ? units_backward(s, arc, s->excess[from]) : units_forward(s, arc, s->excess[from]);

	if (!units)
		return;
	if (end & 1)
		arc->flow -= units;
	else
		arc->flow += units;
	if (s->excess[to] <= 0 && s->excess[to] + units > 0)
		enqueue(s, to);
	s->excess[from] -= units;
	s->excess[to] += units;
}

static void discharge(struct solver *s, uint32_t node)
{
	for (;;) {
		for (; s->current[node] < s->first[node + 1]; s->current[node]++) {
			push(s, s->ends[s->current[node]], node);
			if (!s->excess[node])
				return;
		}
		relabel(s, node);
		s->current[node] = s->first[node];
	}
}

static void index_ends(struct solver *s)
{
	const struct planner_graph *graph = s->graph;

	for (uint32_t i = 0; i < graph->arc_count; i++) {
		s->first[graph->arcs[i].from + 1]++;
		s->first[graph->arcs[i].to + 1]++;
	}
	for (uint32_t node = 0; node < graph->node_count; node++) {
		s->first[node + 1] += s->first[node];
		s->current[node] = s->first[node];
	}
	for (uint32_t i = 0; i < graph->arc_count; i++) {
		s->ends[s->current[graph->arcs[i].from]++] = 2 * i;
		s->ends[s->current[graph->arcs[i].to]++] = 2 * i + 1;
	}
}

/* Potentials come to lie about as far apart as the largest cost on the way of the last unit. */
static planner_cost first_epsilon(const struct solver *s)
{
	planner_cost largest = 1;

	for (uint32_t i = 0; i < s->graph->arc_count; i++) {
		const struct planner_arc *arc = &s->graph->arcs[i];
		uint32_t most = arc->capacity < s->graph->likely ? arc->capacity : s->graph->likely;
		planner_cost cost = unit_cost(s, arc, most);

		if (cost < 0)
			cost = -cost;
		if (cost > largest)
			largest = cost;
	}
	return largest;
}

static void solve(struct solver *s)
{
	for (int i = 0; i < PLANNER_GRAPH_PRICES; i++)
		s->price[i] = s->graph->price[i] * ((planner_cost)s->graph->longest + 1);
	for (uint32_t i = 0; i < s->graph->arc_count; i++)
		s->graph->arcs[i].flow = 0;
	memcpy(s->excess, s->graph->supply, s->graph->node_count * sizeof(*s->excess));
	index_ends(s);
	s->epsilon = first_epsilon(s);
	do {
		s->epsilon = s->epsilon > SCALE_STEP ? s->epsilon / SCALE_STEP : 1;
		start_phase(s);
		while (s->queue_count)
			discharge(s, dequeue(s));
	} while (s->epsilon > 1);
}

int planner_flow_solve(struct planner_graph *graph)
{
	size_t nodes = (size_t)graph->node_count + 1;
	struct solver s = { .graph = graph };
	int error = SM_ENOMEM;

	s.potential = calloc(nodes, sizeof(*s.potential));
	s.excess = calloc(nodes, sizeof(*s.excess));
	s.first = calloc(nodes, sizeof(*s.first));
	s.current = calloc(nodes, sizeof(*s.current));
	s.queue = malloc(nodes * sizeof(*s.queue));
	s.ends = malloc(((size_t)graph->arc_count * 2 + 1) * sizeof(*s.ends));
	if (s.potential && s.excess && s.first && s.current && s.queue && s.ends) {
		solve(&s);
		error = 0;
	}
	free(s.potential);
	free(s.excess);
	free(s.first);
	free(s.current);
	free(s.queue);
	free(s.ends);
	return error;
}
