/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_index.h"

#include <string.h>

uint64_t view_index_fingerprint(const struct view *view, const struct view_key *key)
{
	uint64_t seed = view->segment->seed, number = (uint64_t)key->tag << 32 | key->replica;
	if (key->tag == VIEW_TAG_WORKER)
		number ^= view_hash_bytes(seed, 0, key->container, strlen(key->container));
	return view_hash(seed, key->service, strlen(key->service), key->name, strlen(key->name), number);
}

static bool name_is(const struct view *view, uint32_t offset, const char *text)
{
	return strcmp(view_map_name(view, offset), text) == 0;
}

static bool service_is(const struct view *view, uint32_t row, const char *text)
{
	return view_map_has(view, VIEW_SERVICES, row) && name_is(view, view->services[row].name, text);
}

static enum view_tag slot_tag(const struct view *view, uint32_t slot)
{
	uint64_t owner = VIEW_LOAD(&view->slots[slot].owner);
	if (!view_index_is_tag(owner) || owner == view_index_tag_owner(VIEW_TAG_REMOVED))
		return VIEW_TAG_SHARD;
	return (enum view_tag)(owner >> VIEW_CONTAINER_BITS);
}

static bool slot_is(const struct view *view, uint32_t slot, const struct view_key *key)
{
	uint32_t row = VIEW_LOAD(&view->slot_rows[slot]);
	if (slot_tag(view, slot) != key->tag)
		return false;
	switch (key->tag) {
	case VIEW_TAG_SHARD:
		return view_map_has(view, VIEW_SHARDS, row) && name_is(view, view->shards[row].id, key->name) &&
		       (VIEW_LOAD(&view->shards[row].spec) >> 1 & VIEW_REPLICA_MAX) == key->replica &&
		       service_is(view, view->shards[row].service, key->service);
	case VIEW_TAG_SERVICE:
		return service_is(view, row, key->service);
	case VIEW_TAG_CONTAINER:
		return view_map_has(view, VIEW_CONTAINERS, row) && name_is(view, view->containers[row].id, key->name) &&
		       service_is(view, view->containers[row].service, key->service);
	case VIEW_TAG_WORKER:
		return view_map_has(view, VIEW_WORKERS, row) && name_is(view, view->workers[row].group, key->name) &&
		       name_is(view, view->workers[row].container, key->container) &&
		       service_is(view, view->workers[row].service, key->service);
	case VIEW_TAG_STRING:
		return name_is(view, row, key->name);
	case VIEW_TAG_REMOVED:
		break;
	}
	return false;
}

enum view_found view_index_find(const struct view *view, const struct view_key *key, uint32_t *ret_slot)
{
	uint64_t fingerprint = view_index_fingerprint(view, key);
	const struct view_slot *found = view_index_seek(view, fingerprint);
	if (!found)
		return VIEW_ABSENT;
	uint32_t slot = (uint32_t)(found - view->slots);
	if (!slot_is(view, slot, key))
		return VIEW_TAKEN;
	*ret_slot = slot;
	return VIEW_FOUND;
}

uint32_t view_index_insert(struct view *view, const struct view_key *key, uint32_t row, uint64_t owner)
{
	struct view_region *region = &view->segment->regions[VIEW_SLOTS];
	uint64_t fingerprint = view_index_fingerprint(view, key);
	uint32_t slot = view_hash_place(fingerprint, view->slot_count);
	while (view->slots[slot].fingerprint) {
		if (++slot == view->slot_count)
			slot = 0;
	}
	VIEW_STORE(&region->used, region->used + 1);
	VIEW_STORE(&view->slot_rows[slot], row);
	VIEW_STORE(&view->slots[slot].owner, owner);
	VIEW_STORE(&view->slots[slot].fingerprint, fingerprint);
	return slot;
}
