/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Random snapshots are made of a mix of chances; the generator is splitmix64, so that a seed means the same everywhere.
 */
#include "planner_cases.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t planner_cases_seed(void)
{
	static bool printed;
	const char *text = getenv("PLANNER_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20240611;

	if (!printed)
		printf("# PLANNER_SEED=%llu\n", (unsigned long long)seed);
	printed = true;
	return seed;
}

uint32_t random_below(struct random_state *random, uint32_t limit)
{
	uint64_t z = random->s += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return limit ? (uint32_t)((z ^ (z >> 31)) % limit) : 0;
}

bool random_chance(struct random_state *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

struct planner_case *planner_case_new(uint32_t containers, uint32_t shards, uint32_t workers)
{
	struct planner_case *c = calloc(1, sizeof(*c));

	assert(c);
	c->containers = calloc(containers + 1, sizeof(*c->containers));
	c->shards = calloc(shards + 1, sizeof(*c->shards));
	c->workers = calloc(workers + 1, sizeof(*c->workers));
	assert(c->containers && c->shards && c->workers);
	c->input = (struct planner_input){ .containers = c->containers,
		.container_count = containers,
		.shards = c->shards,
		.shard_count = shards,
		.workers = c->workers,
		.worker_count = workers,
		.group_count = 1 };
	for (uint32_t i = 0; i < shards; i++)
		c->shards[i] = (struct planner_shard){ 0, PLANNER_NONE, PLANNER_NONE, PLANNER_NONE };
	return c;
}

void planner_case_free(struct planner_case *c)
{
	free(c->containers);
	free(c->shards);
	free(c->workers);
	free(c);
}

static void fill_shard(
        struct planner_case *c, uint32_t i, struct random_state *random, const struct planner_case_mix *mix)
{
	uint32_t containers = c->input.container_count;
	struct planner_shard *shard = &c->shards[i];

	*shard = (struct planner_shard){ random_below(random, mix->groups), PLANNER_NONE, PLANNER_NONE, PLANNER_NONE };
	if (mix->worker_groups && random_chance(random, mix->worker_grouped))
		shard->worker_group = random_below(random, mix->worker_groups);
	if (random_chance(random, mix->pinned))
		shard->pin = !containers || random_chance(random, mix->pin_absent) ? PLANNER_ABSENT
		                                                                   : random_below(random, containers);
	if (random_chance(random, mix->absent))
		shard->owner = PLANNER_ABSENT;
	else if (containers && !random_chance(random, mix->unowned))
		shard->owner = random_below(random, containers);
}

void planner_case_fill(struct planner_case *c, struct random_state *random, const struct planner_case_mix *mix)
{
	uint32_t containers = c->input.container_count, shards = c->input.shard_count;

	for (uint32_t i = 0; i < containers; i++)
		c->containers[i] = (struct planner_container){ random_chance(random, mix->drained),
			random_chance(random, mix->cordoned) };
	for (uint32_t i = 0; i < shards; i++)
		fill_shard(c, i, random, mix);
	c->input.group_count = mix->groups;
	c->input.worker_group_count = mix->worker_groups;
	c->input.worker_count = 0;
	for (uint32_t g = 0; g < mix->worker_groups; g++)
		for (uint32_t i = 0; i < containers; i++)
			if (random_chance(random, mix->member))
				c->workers[c->input.worker_count++] = (struct planner_worker){ g, i };
	c->input.max_shard_count = 0;
	if (containers && random_chance(random, mix->limited))
		c->input.max_shard_count = 1 + random_below(random, 2 * shards / containers + 2);
}

uint32_t *planner_case_after(const struct planner_case *c, const struct planner_plan *plan)
{
	uint32_t *owner = malloc((c->input.shard_count + 1) * sizeof(*owner));

	assert(owner);
	for (uint32_t i = 0; i < c->input.shard_count; i++)
		owner[i] = c->shards[i].owner < c->input.container_count ? c->shards[i].owner : PLANNER_NONE;
	for (uint32_t i = 0; i < plan->move_count; i++)
		owner[plan->moves[i].shard] = plan->moves[i].to;
	return owner;
}

void planner_case_apply(struct planner_case *c, const struct planner_plan *plan)
{
	for (uint32_t i = 0; i < plan->move_count; i++)
		c->shards[plan->moves[i].shard].owner = plan->moves[i].to;
}
