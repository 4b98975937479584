/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reading the shards of a service out of the view. Ids are copied: the view's texts end with its segment, and a new segment is where old
 * and new shards have to be matched.
 */
#include "balancer_shards.h"

#include "balancer_memory.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct balancer_shard *shard, const char *id, uint32_t replica)
{
	int order = strcmp(shard->id, id);

	return order ? order : shard->replica < replica ? -1 : shard->replica > replica;
}

static int compare_shards(const void *a, const void *b)
{
	const struct balancer_shard *other = b;

	return compare(a, other->id, other->replica);
}

void balancer_shards_init(struct balancer_shards *shards)
{
	*shards = (struct balancer_shards){ 0 };
	balancer_names_init(&shards->names);
}

static struct balancer_shard *append(struct balancer_shards *shards, uint32_t *room)
{
	if (shards->count == *room) {
		*room = *room ? *room * 2 : 64;
		shards->items = balancer_memory_resized(shards->items, *room, sizeof(*shards->items));
	}
	return &shards->items[shards->count++];
}

static void copy_ids(struct balancer_shards *shards)
{
	size_t bytes = 0;
	char *text;

	for (uint32_t i = 0; i < shards->count; i++)
		bytes += strlen(shards->items[i].id) + 1;
	shards->texts = text = balancer_memory_zeroed(bytes, 1);
	for (uint32_t i = 0; i < shards->count; i++) {
		char *end = stpcpy(text, shards->items[i].id);

		shards->items[i].id = text;
		text = end + 1;
	}
}

static void sort(struct balancer_shards *shards)
{
	bool sorted = true;

	for (uint32_t i = 1; i < shards->count && sorted; i++)
		sorted = compare_shards(&shards->items[i - 1], &shards->items[i]) < 0;
	if (!sorted)
		qsort(shards->items, shards->count, sizeof(*shards->items), compare_shards);
}

void balancer_shards_read(const struct view *view, uint32_t service, struct balancer_shards *ret_shards)
{
	struct balancer_shards read;
	uint32_t room = 0;

	balancer_shards_init(&read);
	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row)) {
		struct view_shard shard;

		view_shard_get(view, row, &shard);
		*append(&read, &room) = (struct balancer_shard){ .id = shard.id,
			.replica = shard.replica,
			.row = row,
			.group = balancer_names_add(&read.names, shard.group),
			.worker_group = balancer_names_add(&read.names, shard.worker_group),
			.pin = balancer_names_add(&read.names, shard.pin),
			.configured = shard.exists };
	}
	sort(&read);
	copy_ids(&read);
	*ret_shards = read;
}

void balancer_shards_done(struct balancer_shards *shards)
{
	balancer_names_done(&shards->names);
	free(shards->items);
	free(shards->texts);
	*shards = (struct balancer_shards){ 0 };
}

uint32_t balancer_shards_find(const struct balancer_shards *shards, const char *id, uint32_t replica)
{
	uint32_t low = 0, high = shards->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(&shards->items[middle], id, replica);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return BALANCER_SHARDS_NONE;
}

void balancer_shards_match(const struct balancer_shards *were, struct balancer_shards *are, uint32_t *ret_was)
{
	uint32_t old = 0;

	for (uint32_t i = 0; i < are->count; i++) {
		int order = -1;

		while (old < were->count &&
		        (order = compare(&were->items[old], are->items[i].id, are->items[i].replica)) < 0)
			old++;
		ret_was[i] = old < were->count && order == 0 ? old : BALANCER_SHARDS_NONE;
		if (ret_was[i] != BALANCER_SHARDS_NONE) {
			are->items[i].cause = were->items[old].cause;
			are->items[i].since_ms = were->items[old].since_ms;
		}
	}
}
