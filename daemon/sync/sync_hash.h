/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A hash table of nodes that live inside the caller's structs. It finds candidates by their hash; the caller compares what it
 * hashed. It owns the buckets only.
 */
#ifndef SYNC_HASH_H
#define SYNC_HASH_H

#include <stddef.h>
#include <stdint.h>

struct sync_hash_node {
	struct sync_hash_node *next;
	uint64_t hash;
};

struct sync_hash {
	struct sync_hash_node **buckets;
	size_t bucket_count, count;
};

#define SYNC_HASH_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Chains texts and numbers into one hash: start with SYNC_HASH_START. Not proof against somebody who chooses ids to collide:
 * those who write our keys may already do worse. */
#define SYNC_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t sync_hash_text(uint64_t hash, const char *text);
uint64_t sync_hash_number(uint64_t hash, uint64_t number);

void sync_hash_init(struct sync_hash *table);
/* Frees the buckets; the nodes are the caller's. */
void sync_hash_done(struct sync_hash *table);
/* SM_ENOMEM: not added. */
int sync_hash_add(struct sync_hash *table, struct sync_hash_node *node, uint64_t hash);
void sync_hash_remove(struct sync_hash *table, struct sync_hash_node *node);
/* The nodes of this hash: first, then next, until NULL. */
struct sync_hash_node *sync_hash_first(const struct sync_hash *table, uint64_t hash);
struct sync_hash_node *sync_hash_next(const struct sync_hash_node *node);
/* Takes any node out, or NULL when empty: for freeing them all. *cursor is 0 at first. */
struct sync_hash_node *sync_hash_pop(struct sync_hash *table, size_t *cursor);

#endif
