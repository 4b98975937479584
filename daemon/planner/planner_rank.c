/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container's i-th shard of a class whose even share is e is sorted by i - e. Where that is equal, neighbouring containers
 * begin with neighbouring classes, lest all give away the same one. Counting sorts, stable.
 */
#include "planner_rank.h"

#include <stdlib.h>

struct key {
	uint32_t rank, turn;
};

/* Fills keys per shard. seen: zeroes, one per container, and left so. */
static void make_keys(
        const struct planner_reach *reach, const struct planner_classes *classes, uint32_t *seen, struct key *keys)
{
	const struct planner_input *input = reach->survey->input;

	for (uint32_t i = 0; i < classes->count; i++) {
		const struct planner_class *class = &classes->list[i];
		uint32_t open, share;

		planner_reach_open(reach, class, &open);
		share = open ? class->count / open : 0;
		for (uint32_t j = class->first; j < class->first + class->count; j++) {
			uint32_t shard = classes->order[j], owner = input->shards[shard].owner;
			uint32_t place = owner < input->container_count ? seen[owner]++ : 0;

			keys[shard].rank = place > share ? place - share : 0;
			keys[shard].turn = (uint32_t)(((uint64_t)i + owner) % classes->count);
		}
		for (uint32_t j = class->first_hold; j < class->first_hold + class->hold_count; j++)
			seen[classes->holds[j].container] = 0;
	}
}

/* Sorts from[0..count) by rank (or else turn) into to. start: room for one more than the largest key and one. */
static void sort(
        const struct key *keys, bool by_rank, const uint32_t *from, uint32_t *to, uint32_t count, uint32_t *start)
{
	for (uint32_t i = 0; i <= count; i++)
		start[i] = 0;
	for (uint32_t i = 0; i < count; i++)
		start[(by_rank ? keys[i].rank : keys[i].turn) + 1]++;
	for (uint32_t i = 1; i <= count; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < count; i++) {
		const struct key *key = &keys[from[i]];

		to[start[by_rank ? key->rank : key->turn]++] = from[i];
	}
}

uint32_t *planner_rank(const struct planner_reach *reach, const struct planner_classes *classes)
{
	const struct planner_input *input = reach->survey->input;
	size_t shards = input->shard_count;
	struct key *keys = malloc((shards + 1) * sizeof(*keys));
	uint32_t *seen = calloc((size_t)input->container_count + 1, sizeof(*seen));
	uint32_t *start = malloc((shards + 2) * sizeof(*start)); /* ranks and turns are below the number of shards */
	uint32_t *by_turn = malloc((shards + 1) * sizeof(*by_turn));
	uint32_t *sequence = malloc((shards + 1) * sizeof(*sequence));

	if (keys && seen && start && by_turn && sequence) {
		make_keys(reach, classes, seen, keys);
		sort(keys, false, classes->order, by_turn, input->shard_count, start);
		sort(keys, true, by_turn, sequence, input->shard_count, start);
	} else {
		free(sequence);
		sequence = NULL;
	}
	free(keys);
	free(seen);
	free(start);
	free(by_turn);
	return sequence;
}
