/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The index: open addressing with linear probing over fingerprints. Not for other folders.
 */
#ifndef VIEW_INDEX_H
#define VIEW_INDEX_H

#include "view_map.h"

/* What a slot can stand for. Unused strings are "". */
struct view_key {
	enum view_tag tag;
	const char *service;
	const char *name;      /* id, or for a worker its group, or the interned string */
	const char *container; /* of a worker */
	uint32_t replica;
};

/* Shards are hashed without the call, in view_lookup. */
uint64_t view_index_fingerprint(const struct view *view, const struct view_key *key);

enum view_found { VIEW_ABSENT, VIEW_FOUND, VIEW_TAKEN /* another key has this fingerprint */ };
/* *ret_slot is set only when found. Compares the key's bytes, too. */
enum view_found view_index_find(const struct view *view, const struct view_key *key, uint32_t *ret_slot);

/* Stores row and owner, then the fingerprint. The key must be absent and the index have room. The slot. */
uint32_t view_index_insert(struct view *view, const struct view_key *key, uint32_t row, uint64_t owner);

static inline uint64_t view_index_tag_owner(enum view_tag tag)
{
	return (uint64_t)tag << VIEW_CONTAINER_BITS;
}

/* An owner word that is a tag. */
static inline bool view_index_is_tag(uint64_t owner)
{
	return owner && (owner & VIEW_CONTAINER_MAX) == 0;
}

#endif
