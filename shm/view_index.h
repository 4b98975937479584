/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The index: open addressing with linear probing over fingerprints. Not for other folders.
 */
#ifndef VIEW_INDEX_H
#define VIEW_INDEX_H

#include "view_hash.h"
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

/* The slot from `from` up to `to` that has the fingerprint, or NULL; *ret_ended: because there was an empty one. */
static inline const struct view_slot *view_index_probe(
        const struct view_slot *from, const struct view_slot *to, uint64_t fingerprint, bool *ret_ended)
{
	for (; from != to; from++) {
		/* one load: in the next instant the slot may be another key's */
		uint64_t found = VIEW_LOAD(&from->fingerprint);
		if (found == fingerprint)
			return from;
		if (found == 0) {
			*ret_ended = true;
			return NULL;
		}
	}
	return NULL;
}

/* The same over the whole index, from the fingerprint's place on and around. Ends in a damaged one without empty slots, too. */
static inline const struct view_slot *view_index_seek(const struct view *view, uint64_t fingerprint)
{
	const struct view_slot *place = view->slots + view_hash_place(fingerprint, view->slot_count);
	bool ended = false;
	const struct view_slot *slot = view_index_probe(place, view->slots + view->slot_count, fingerprint, &ended);
	return slot || ended ? slot : view_index_probe(view->slots, place, fingerprint, &ended);
}

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
