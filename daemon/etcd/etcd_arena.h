/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Memory for one decoded answer: many small pieces, freed together.
 */
#ifndef ETCD_ARENA_H
#define ETCD_ARENA_H

#include <stddef.h>

struct etcd_arena { /* all zero = empty */
	struct etcd_arena_chunk *chunks;
};

/* Zeroed, aligned for any object; NULL when out of memory. */
void *etcd_arena_get(struct etcd_arena *arena, size_t count, size_t bytes);
/* Not zeroed, not aligned. */
char *etcd_arena_get_bytes(struct etcd_arena *arena, size_t bytes);
void etcd_arena_done(struct etcd_arena *arena);

#endif
