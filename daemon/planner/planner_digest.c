/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Mixes numbers, not bytes, so that byte order does not matter. Four lanes, because one multiplication waits for the one
 * before it.
 */
#include "planner_digest.h"

#define LANES 4

struct digest {
	uint64_t lane[LANES];
};

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

static void add_containers(struct digest *d, const struct planner_input *input)
{
	for (uint32_t c = 0; c < input->container_count; c++)
		d->lane[c % LANES] = mix(d->lane[c % LANES],
		        (uint64_t)input->containers[c].drained << 1 | input->containers[c].cordoned);
}

static void add_shards(struct digest *d, const struct planner_input *input)
{
	uint64_t a = d->lane[0], b = d->lane[1], e = d->lane[2], f = d->lane[3];
	uint32_t i = 0;

	for (; i + 1 < input->shard_count; i += 2) {
		const struct planner_shard *s = &input->shards[i];

		a = mix(a, pair(s[0].group, s[0].worker_group));
		b = mix(b, pair(s[0].pin, s[0].owner));
		e = mix(e, pair(s[1].group, s[1].worker_group));
		f = mix(f, pair(s[1].pin, s[1].owner));
	}
	if (i < input->shard_count) {
		a = mix(a, pair(input->shards[i].group, input->shards[i].worker_group));
		b = mix(b, pair(input->shards[i].pin, input->shards[i].owner));
	}
	*d = (struct digest){ { a, b, e, f } };
}

static void add_workers(struct digest *d, const struct planner_survey *survey)
{
	for (uint32_t g = 0; g < survey->input->worker_group_count; g++) {
		d->lane[1] = mix(d->lane[1], survey->member_start[g]);
		for (uint32_t i = survey->member_start[g]; i < survey->member_start[g + 1]; i++)
			d->lane[2] = mix(d->lane[2], survey->member[i]);
	}
}

static void add_plan(struct digest *d, const struct planner_plan *plan)
{
	for (uint32_t i = 0; i < plan->move_count; i++) {
		const struct planner_move *move = &plan->moves[i];

		d->lane[i & 1] = mix(d->lane[i & 1], pair(move->shard, move->from));
		d->lane[2 + (i & 1)] = mix(d->lane[2 + (i & 1)], pair(move->to, move->cause));
	}
	for (uint32_t i = 0; i < plan->unassigned_count; i++)
		d->lane[3] = mix(d->lane[3], pair(plan->unassigned[i].shard, plan->unassigned[i].reason));
}

uint64_t planner_digest(const struct planner_survey *survey, const struct planner_plan *plan)
{
	const struct planner_input *input = survey->input;
	struct digest d = { { 1, 2, 3, 4 } };
	uint64_t h = input->max_shard_count;

	add_containers(&d, input);
	add_shards(&d, input);
	add_workers(&d, survey);
	add_plan(&d, plan);
	h = mix(h, pair(input->container_count, input->shard_count));
	h = mix(h, pair(input->group_count, input->worker_group_count));
	h = mix(h, pair(plan->move_count, plan->unassigned_count));
	for (int i = 0; i < LANES; i++)
		h = mix(h ^ (h >> 32), d.lane[i]);
	return h ^ (h >> 32);
}
