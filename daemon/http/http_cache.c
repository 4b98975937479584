/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_cache.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct entry {
	struct entry *next;
	struct http_cache_stamp stamp;
	struct http_body *body;
	unsigned kind;
	char name[];
};

struct http_cache {
	size_t bytes, most_bytes;
	struct entry *buckets[BUCKETS];
};

/* FNV-1a */
static size_t bucket_of(unsigned kind, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ kind;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (hash ^ hash >> 32) % BUCKETS;
}

static struct entry **place_of(struct http_cache *cache, unsigned kind, const char *name)
{
	struct entry **place = &cache->buckets[bucket_of(kind, name)];

	while (*place != NULL && ((*place)->kind != kind || strcmp((*place)->name, name) != 0))
		place = &(*place)->next;
	return place;
}

static void remove_entry(struct http_cache *cache, struct entry **place)
{
	struct entry *entry = *place;

	*place = entry->next;
	cache->bytes -= entry->body->bytes;
	http_body_release(entry->body);
	free(entry);
}

static void clear(struct http_cache *cache)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (cache->buckets[i] != NULL)
			remove_entry(cache, &cache->buckets[i]);
}

struct http_cache *http_cache_new(size_t most_bytes)
{
	struct http_cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL)
		cache->most_bytes = most_bytes;
	return cache;
}

void http_cache_free(struct http_cache *cache)
{
	if (cache == NULL)
		return;
	clear(cache);
	free(cache);
}

struct http_body *http_cache_get(
        struct http_cache *cache, unsigned kind, const char *name, struct http_cache_stamp stamp)
{
	struct entry *entry = *place_of(cache, kind, name);

	if (entry == NULL || entry->stamp.generation != stamp.generation || entry->stamp.version != stamp.version)
		return NULL;
	return entry->body;
}

void http_cache_put(struct http_cache *cache, unsigned kind, const char *name, struct http_cache_stamp stamp,
        struct http_body *body)
{
	struct entry **place = place_of(cache, kind, name), *entry;

	if (*place != NULL)
		remove_entry(cache, place);
	if (body->bytes > cache->most_bytes)
		return;
	/* Deleted services leave entries behind that nobody asks for again; emptying everything now and then is enough. */
	if (cache->bytes + body->bytes > cache->most_bytes)
		clear(cache);
	entry = malloc(sizeof(*entry) + strlen(name) + 1);
	if (entry == NULL)
		return;
	strcpy(entry->name, name);
	entry->kind = kind;
	entry->stamp = stamp;
	entry->body = http_body_hold(body);
	place = place_of(cache, kind, name);
	entry->next = *place;
	*place = entry;
	cache->bytes += body->bytes;
}
