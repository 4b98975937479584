/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A chained hash table that doubles.
 */
#include "container_shards.h"

#include <stdlib.h>
#include <string.h>

int container_shards_init(struct container_shards *shards)
{
	*shards = (struct container_shards){ .mask = 63 };
	shards->buckets = calloc(shards->mask + 1, sizeof *shards->buckets);
	return shards->buckets ? 0 : SM_ENOMEM;
}

static void shard_free(struct container_shard *shard)
{
	sm_event_free(shard->end_event);
	free(shard->task);
	free(shard);
}

static void free_one(void *arg, struct container_shard *shard)
{
	(void)arg;
	shard_free(shard);
}

void container_shards_done(struct container_shards *shards)
{
	if (shards->buckets)
		container_shards_each(shards, free_one, NULL);
	free(shards->buckets);
	shards->buckets = NULL;
}

static struct container_shard **bucket_of(const struct container_shards *shards, const struct hash *key)
{
	return &shards->buckets[key->word[1] & shards->mask];
}

struct container_shard *container_shards_find(
        const struct container_shards *shards, const struct hash *key, const char *id, uint32_t replica)
{
	struct container_shard *shard = *bucket_of(shards, key);

	while (shard && (shard->replica != replica || strcmp(shard->id, id) != 0))
		shard = shard->chain;
	return shard;
}

static void grow(struct container_shards *shards)
{
	struct container_shards larger = { .mask = shards->mask * 2 + 1 };

	larger.buckets = calloc(larger.mask + 1, sizeof *larger.buckets);
	if (!larger.buckets)
		return; /* longer chains, then */
	for (size_t i = 0; i <= shards->mask; i++) {
		for (struct container_shard *shard = shards->buckets[i], *next; shard; shard = next) {
			next = shard->chain;
			struct container_shard **bucket = bucket_of(&larger, &shard->ticket.held_key);
			shard->chain = *bucket;
			*bucket = shard;
		}
	}
	free(shards->buckets);
	shards->buckets = larger.buckets;
	shards->mask = larger.mask;
}

struct container_shard *container_shards_add(
        struct container_shards *shards, const struct hash *key, const char *id, uint32_t replica)
{
	size_t id_bytes = strlen(id) + 1;
	struct container_shard *shard = calloc(1, sizeof *shard + id_bytes);

	if (!shard)
		return NULL;
	memcpy(shard->id, id, id_bytes);
	shard->replica = replica;
	shard->ticket.held_key = *key;
	shard->ticket.owner = shard;
	if (shards->count > shards->mask)
		grow(shards);
	struct container_shard **bucket = bucket_of(shards, key);
	shard->chain = *bucket;
	*bucket = shard;
	shards->count++;
	return shard;
}

void container_shards_remove(struct container_shards *shards, struct container_shard *shard)
{
	struct container_shard **at = bucket_of(shards, &shard->ticket.held_key);

	while (*at != shard)
		at = &(*at)->chain;
	*at = shard->chain;
	shards->count--;
	shard_free(shard);
}

void container_shards_each(
        struct container_shards *shards, void (*visit)(void *arg, struct container_shard *shard), void *arg)
{
	for (size_t i = 0; i <= shards->mask; i++) {
		for (struct container_shard *shard = shards->buckets[i], *next; shard; shard = next) {
			next = shard->chain;
			visit(arg, shard);
		}
	}
}
