/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Chained buckets, doubled when there are more nodes than buckets.
 */
#include "sync_hash.h"

#include <shardmgr.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

uint64_t sync_hash_text(uint64_t hash, const char *text)
{
	/* The terminating NUL is hashed, too, so that "a","bc" and "ab","c" differ. */
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++ != '\0');
	return hash;
}

uint64_t sync_hash_number(uint64_t hash, uint64_t number)
{
	for (int i = 0; i < 8; i++, number >>= 8)
		hash = (hash ^ (number & 0xff)) * UINT64_C(0x100000001b3);
	return hash;
}

static struct sync_hash_node **bucket_of(const struct sync_hash *table, uint64_t hash)
{
	return &table->buckets[(hash ^ hash >> 29) & (table->bucket_count - 1)];
}

static int resize(struct sync_hash *table, size_t bucket_count)
{
	struct sync_hash bigger = { .buckets = calloc(bucket_count, sizeof(*bigger.buckets)),
		.bucket_count = bucket_count,
		.count = table->count };

	if (bigger.buckets == NULL)
		return SM_ENOMEM;
	for (size_t i = 0; i < table->bucket_count; i++)
		for (struct sync_hash_node *node = table->buckets[i], *next; node != NULL; node = next) {
			struct sync_hash_node **bucket = bucket_of(&bigger, node->hash);

			next = node->next;
			node->next = *bucket;
			*bucket = node;
		}
	free(table->buckets);
	*table = bigger;
	return 0;
}

void sync_hash_init(struct sync_hash *table)
{
	*table = (struct sync_hash){ 0 };
}

void sync_hash_done(struct sync_hash *table)
{
	free(table->buckets);
	sync_hash_init(table);
}

int sync_hash_add(struct sync_hash *table, struct sync_hash_node *node, uint64_t hash)
{
	struct sync_hash_node **bucket;

	if (table->bucket_count == 0 && resize(table, FIRST_BUCKETS) != 0)
		return SM_ENOMEM;
	if (table->count >= table->bucket_count)
		(void)resize(table, table->bucket_count * 2); /* full buckets are only slower */
	bucket = bucket_of(table, hash);
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	table->count++;
	return 0;
}

void sync_hash_remove(struct sync_hash *table, struct sync_hash_node *node)
{
	struct sync_hash_node **at = bucket_of(table, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	table->count--;
}

static struct sync_hash_node *same(struct sync_hash_node *node, uint64_t hash)
{
	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

struct sync_hash_node *sync_hash_first(const struct sync_hash *table, uint64_t hash)
{
	return table->bucket_count == 0 ? NULL : same(*bucket_of(table, hash), hash);
}

struct sync_hash_node *sync_hash_next(const struct sync_hash_node *node)
{
	return same(node->next, node->hash);
}

struct sync_hash_node *sync_hash_pop(struct sync_hash *table, size_t *cursor)
{
	for (; *cursor < table->bucket_count; ++*cursor) {
		struct sync_hash_node *node = table->buckets[*cursor];

		if (node != NULL) {
			table->buckets[*cursor] = node->next;
			table->count--;
			return node;
		}
	}
	return NULL;
}
