/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Memory for one decoded answer.
 */
#include "etcd_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct etcd_arena_chunk {
	struct etcd_arena_chunk *next;
	size_t used, room;
	alignas(max_align_t) char data[];
};

#define CHUNK_BYTES ((size_t)16 * 1024)

static char *take(struct etcd_arena *arena, size_t bytes, size_t alignment)
{
	struct etcd_arena_chunk *chunk = arena->chunks;
	size_t at, room;

	if (chunk) {
		at = (chunk->used + alignment - 1) & ~(alignment - 1);
		if (at <= chunk->room && chunk->room - at >= bytes) {
			chunk->used = at + bytes;
			return chunk->data + at;
		}
	}
	room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	if (room > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = malloc(sizeof(*chunk) + room);
	if (!chunk)
		return NULL;
	*chunk = (struct etcd_arena_chunk){ .next = arena->chunks, .used = bytes, .room = room };
	arena->chunks = chunk;
	return chunk->data;
}

void *etcd_arena_get(struct etcd_arena *arena, size_t count, size_t bytes)
{
	size_t all;
	char *memory;

	if (__builtin_mul_overflow(count, bytes, &all))
		return NULL;
	memory = take(arena, all, alignof(max_align_t));
	return memory ? memset(memory, 0, all) : NULL;
}

char *etcd_arena_get_bytes(struct etcd_arena *arena, size_t bytes)
{
	return take(arena, bytes, 1);
}

void etcd_arena_done(struct etcd_arena *arena)
{
	struct etcd_arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->chunks = NULL;
}
