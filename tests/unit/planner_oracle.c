/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Nothing here is clever, on purpose, and nothing is shared with the planner.
 */
#include "planner_oracle.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS 8

static bool is_member(const struct planner_case *c, uint32_t worker_group, uint32_t container)
{
	for (uint32_t i = 0; i < c->input.worker_count; i++)
		if (c->workers[i].worker_group == worker_group && c->workers[i].container == container)
			return true;
	return worker_group == PLANNER_NONE;
}

static bool is_right_for(const struct planner_case *c, const struct planner_shard *shard, uint32_t container)
{
	return shard->pin != PLANNER_NONE ? shard->pin == container : is_member(c, shard->worker_group, container);
}

static bool is_taking(const struct planner_case *c, uint32_t container)
{
	return !c->containers[container].drained && !c->containers[container].cordoned;
}

static uint32_t count_of(const struct planner_case *c, const uint32_t *owner, uint32_t container)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->input.shard_count; i++)
		count += owner[i] == container;
	return count;
}

const char *planner_oracle_breach(const struct planner_case *c, const uint32_t *owner, const bool *closed)
{
	for (uint32_t k = 0; k < c->input.container_count && c->input.max_shard_count; k++)
		if (is_taking(c, k) && !closed[k] && count_of(c, owner, k) > c->input.max_shard_count)
			return "a container that may take shards carries more than max_shard_count";
	for (uint32_t i = 0; i < c->input.shard_count; i++) {
		const struct planner_shard *shard = &c->shards[i];

		if (owner[i] == PLANNER_NONE && shard->owner < c->input.container_count)
			return "a running shard lost its owner";
		if (owner[i] == shard->owner || owner[i] == PLANNER_NONE)
			continue;
		if (!is_taking(c, owner[i]))
			return "a drained or cordoned container took a shard";
		if (!is_right_for(c, shard, owner[i]))
			return "a shard went where its pin or worker group does not allow";
		if (closed[owner[i]])
			return "a container over max_shard_count took a shard";
	}
	return NULL;
}

static int compare_down(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

static void add_container(
        const struct planner_case *c, const uint32_t *owner, uint32_t container, struct planner_worth *worth)
{
	uint32_t in_group[GROUPS] = { 0 }, count = count_of(c, owner, container), max = c->input.max_shard_count;

	if (max && !c->containers[container].drained && count > max)
		worth->violations += count - max;
	if (!is_taking(c, container))
		return;
	worth->counts[container] = count;
	for (uint32_t i = 0; i < c->input.shard_count; i++)
		if (owner[i] == container)
			in_group[c->shards[i].group]++;
	for (uint32_t g = 0; g < GROUPS; g++)
		worth->group_squares += (uint64_t)in_group[g] * in_group[g];
}

void planner_oracle_worth(const struct planner_case *c, const uint32_t *owner, struct planner_worth *ret_worth)
{
	memset(ret_worth, 0, sizeof(*ret_worth));
	for (uint32_t i = 0; i < c->input.shard_count; i++) {
		const struct planner_shard *shard = &c->shards[i];

		if (owner[i] == PLANNER_NONE) {
			ret_worth->unplaced++;
			continue;
		}
		if (c->containers[owner[i]].drained || !is_right_for(c, shard, owner[i]))
			ret_worth->violations++;
		if (shard->owner >= c->input.container_count || shard->owner == owner[i])
			continue;
		ret_worth->moves++;
		if (c->containers[shard->owner].cordoned && !c->containers[shard->owner].drained)
			ret_worth->left_cordoned++;
	}
	for (uint32_t i = 0; i < c->input.container_count; i++)
		add_container(c, owner, i, ret_worth);
	qsort(ret_worth->counts, ORACLE_CONTAINERS, sizeof(ret_worth->counts[0]), compare_down);
}

#define COMPARE(field)                                                                                                 \
	do {                                                                                                           \
		if (a->field != b->field)                                                                              \
			return a->field < b->field ? -1 : 1;                                                           \
	} while (0)

int planner_worth_compare(const struct planner_worth *a, const struct planner_worth *b)
{
	COMPARE(unplaced);
	COMPARE(violations);
	COMPARE(left_cordoned);
	for (int i = 0; i < ORACLE_CONTAINERS; i++)
		COMPARE(counts[i]);
	COMPARE(group_squares);
	COMPARE(moves);
	return 0;
}

struct search {
	const struct planner_case *c;
	const bool *closed;
	uint32_t *owner;
	struct planner_worth best;
	bool found;
};

static void try_shard(struct search *search, uint32_t i)
{
	const struct planner_case *c = search->c;
	struct planner_worth worth;

	if (i == c->input.shard_count) {
		if (planner_oracle_breach(c, search->owner, search->closed))
			return;
		planner_oracle_worth(c, search->owner, &worth);
		if (!search->found || planner_worth_compare(&worth, &search->best) < 0)
			search->best = worth;
		search->found = true;
		return;
	}
	if (c->shards[i].owner >= c->input.container_count) {
		search->owner[i] = PLANNER_NONE;
		try_shard(search, i + 1);
	}
	for (uint32_t container = 0; container < c->input.container_count; container++) {
		if (container != c->shards[i].owner &&
		        (!is_taking(c, container) || !is_right_for(c, &c->shards[i], container)))
			continue;
		search->owner[i] = container;
		try_shard(search, i + 1);
	}
}

void planner_oracle_best(const struct planner_case *c, const bool *closed, struct planner_worth *ret_worth)
{
	struct search search = { .c = c, .closed = closed };

	search.owner = malloc((c->input.shard_count + 1) * sizeof(*search.owner));
	if (!search.owner)
		abort();
	try_shard(&search, 0);
	free(search.owner);
	*ret_worth = search.best;
}
