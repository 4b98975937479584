/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_make.h"

#include "view_index.h"

#include <string.h>

/* Finds key. 1 when found, 0 when it can be inserted. */
static int find(struct view_store *store, const struct view_key *key, uint32_t *ret_slot)
{
	switch (view_index_find(&store->view, key, ret_slot)) {
	case VIEW_FOUND:
		return 1;
	case VIEW_TAKEN:
		return VIEW_COLLISION;
	case VIEW_ABSENT:
		break;
	}
	return view_store_slot_room(store);
}

static int find_row(struct view_store *store, const struct view_key *key, uint32_t *ret_row)
{
	uint32_t slot;
	int found = find(store, key, &slot);
	if (found == 1)
		*ret_row = store->view.slot_rows[slot];
	return found;
}

static const char *service_name(const struct view_store *store, uint32_t service)
{
	return view_map_name(&store->view, store->view.services[service].name);
}

/* Appends row to a list; next is the field of the last row, if there is one. */
static void link_row(uint32_t *first, uint32_t *last, uint32_t *next, uint32_t row)
{
	if (*last == VIEW_NONE)
		VIEW_STORE(first, row);
	else
		VIEW_STORE(next, row);
	VIEW_STORE(last, row);
}

int view_make_string(struct view_store *store, const char *text, uint32_t *ret_offset)
{
	struct view_key key = { .tag = VIEW_TAG_STRING, .service = "", .name = text, .container = "" };
	*ret_offset = 0;
	if (!*text)
		return 0;
	int found = find_row(store, &key, ret_offset);
	if (found)
		return found == 1 ? 0 : found;
	int error = view_store_name(store, text, ret_offset);
	if (!error)
		view_index_insert(&store->view, &key, *ret_offset, view_index_tag_owner(VIEW_TAG_STRING));
	return error;
}

int view_make_service(struct view_store *store, const char *name, uint32_t *ret_row, bool *ret_made)
{
	struct view_key key = { .tag = VIEW_TAG_SERVICE, .service = name, .name = "", .container = "" };
	*ret_made = false;
	int found = find_row(store, &key, ret_row);
	if (found)
		return found == 1 ? 0 : found;
	uint32_t offset;
	int error = view_store_name(store, name, &offset);
	if (!error)
		error = view_store_room(store, VIEW_SERVICES, 1, ret_row);
	if (error)
		return error;
	store->view.services[*ret_row] = (struct view_service_row){
		.name = offset,
		.first_shard = VIEW_NONE,
		.last_shard = VIEW_NONE,
		.first_container = VIEW_NONE,
		.last_container = VIEW_NONE,
		.first_worker = VIEW_NONE,
		.last_worker = VIEW_NONE,
	};
	view_store_use(store, VIEW_SERVICES, 1);
	view_index_insert(&store->view, &key, *ret_row, view_index_tag_owner(VIEW_TAG_SERVICE));
	*ret_made = true;
	return 0;
}

int view_make_container(struct view_store *store, uint32_t service, const char *id, uint32_t *ret_row, bool *ret_made)
{
	struct view_key key = {
		.tag = VIEW_TAG_CONTAINER, .service = service_name(store, service), .name = id, .container = ""
	};
	*ret_made = false;
	int found = find_row(store, &key, ret_row);
	if (found)
		return found == 1 ? 0 : found;
	uint32_t offset;
	int error = view_store_name(store, id, &offset);
	if (!error)
		error = view_store_room(store, VIEW_CONTAINERS, 1, ret_row);
	if (error)
		return error;
	struct view_container_row *rows = store->view.containers;
	struct view_service_row *owner = &store->view.services[service];
	rows[*ret_row] = (struct view_container_row){
		.id = offset, .service = service, .next = VIEW_NONE, .first_term = VIEW_NONE
	};
	view_store_use(store, VIEW_CONTAINERS, 1);
	link_row(&owner->first_container, &owner->last_container,
	        owner->last_container == VIEW_NONE ? NULL : &rows[owner->last_container].next, *ret_row);
	view_index_insert(&store->view, &key, *ret_row, view_index_tag_owner(VIEW_TAG_CONTAINER));
	*ret_made = true;
	return 0;
}

int view_make_shard(struct view_store *store, uint32_t service, const char *id, uint32_t replica, uint32_t *ret_slot,
        bool *ret_made)
{
	struct view_key key = { .tag = VIEW_TAG_SHARD,
		.service = service_name(store, service),
		.name = id,
		.container = "",
		.replica = replica };
	*ret_made = false;
	int found = find(store, &key, ret_slot);
	if (found)
		return found == 1 ? 0 : found;
	uint32_t offset, row;
	int error = view_store_name(store, id, &offset);
	if (!error)
		error = view_store_room(store, VIEW_SHARDS, 1, &row);
	if (error)
		return error;
	struct view_shard_row *rows = store->view.shards;
	struct view_service_row *owner = &store->view.services[service];
	rows[row] = (struct view_shard_row){
		.id = offset, .service = service, .next = VIEW_NONE, .term = VIEW_NONE, .spec = (uint64_t)replica << 1
	};
	view_store_use(store, VIEW_SHARDS, 1);
	link_row(&owner->first_shard, &owner->last_shard,
	        owner->last_shard == VIEW_NONE ? NULL : &rows[owner->last_shard].next, row);
	*ret_slot = view_index_insert(&store->view, &key, row, view_index_tag_owner(VIEW_TAG_REMOVED));
	view_store_garbage(store, VIEW_SLOTS, 1);
	view_store_garbage(store, VIEW_SHARDS, 1);
	view_store_garbage(store, VIEW_NAMES, (int64_t)strlen(id) + 1);
	*ret_made = true;
	return 0;
}

int view_make_worker(struct view_store *store, uint32_t service, const char *group, const char *container,
        uint32_t *ret_row, bool *ret_made)
{
	struct view_key key = {
		.tag = VIEW_TAG_WORKER, .service = service_name(store, service), .name = group, .container = container
	};
	*ret_made = false;
	int found = find_row(store, &key, ret_row);
	if (found)
		return found == 1 ? 0 : found;
	uint32_t group_offset, container_offset;
	int error = view_make_string(store, group, &group_offset);
	if (!error)
		error = view_make_string(store, container, &container_offset);
	if (!error)
		error = view_store_slot_room(store);
	if (!error)
		error = view_store_room(store, VIEW_WORKERS, 1, ret_row);
	if (error)
		return error;
	struct view_worker_row *rows = store->view.workers;
	struct view_service_row *owner = &store->view.services[service];
	rows[*ret_row] = (struct view_worker_row){
		.service = service, .next = VIEW_NONE, .group = group_offset, .container = container_offset
	};
	view_store_use(store, VIEW_WORKERS, 1);
	link_row(&owner->first_worker, &owner->last_worker,
	        owner->last_worker == VIEW_NONE ? NULL : &rows[owner->last_worker].next, *ret_row);
	view_index_insert(&store->view, &key, *ret_row, view_index_tag_owner(VIEW_TAG_WORKER));
	view_store_garbage(store, VIEW_SLOTS, 1);
	view_store_garbage(store, VIEW_WORKERS, 1);
	*ret_made = true;
	return 0;
}

int view_make_term(
        struct view_store *store, uint32_t container, int64_t incarnation, uint32_t belief_ms, uint32_t *ret_row)
{
	struct view_term_row *terms = store->view.terms;
	struct view_container_row *owner = &store->view.containers[container];
	for (uint32_t row = owner->first_term; row != VIEW_NONE; row = terms[row].next) {
		if (terms[row].incarnation == incarnation && terms[row].belief_ms == belief_ms) {
			*ret_row = row;
			return 0;
		}
	}
	int error = view_store_room(store, VIEW_TERMS, 1, ret_row);
	if (error)
		return error;
	terms[*ret_row] = (struct view_term_row){
		.incarnation = incarnation, .container = container, .belief_ms = belief_ms, .next = owner->first_term
	};
	view_store_use(store, VIEW_TERMS, 1);
	owner->first_term = *ret_row;
	return 0;
}

uint64_t view_make_shard_text_units(const struct view *view, uint32_t unit)
{
	const char *text = view_map_text(view, unit);
	if (!unit)
		return 0;
	size_t head_bytes = *text & VIEW_TEXT_LEASE ? 17 : 1;
	return view_store_text_units(head_bytes, text + head_bytes);
}

void view_make_shard_live(struct view_store *store, uint32_t shard, bool live)
{
	struct view_shard_row *row = &store->view.shards[shard];
	struct view_service_row *owner = &store->view.services[row->service];
	int64_t sign = live ? -1 : 1;
	VIEW_STORE(&owner->live_shard_count, owner->live_shard_count - (uint32_t)sign);
	view_store_garbage(store, VIEW_SLOTS, sign);
	view_store_garbage(store, VIEW_SHARDS, sign);
	view_store_garbage(store, VIEW_NAMES, sign * (int64_t)(strlen(view_map_name(&store->view, row->id)) + 1));
}

void view_make_worker_live(struct view_store *store, uint32_t worker, bool live)
{
	struct view_worker_row *row = &store->view.workers[worker];
	struct view_service_row *owner = &store->view.services[row->service];
	int64_t sign = live ? -1 : 1;
	VIEW_STORE(&row->exists, live);
	VIEW_STORE(&owner->worker_count, owner->worker_count - (uint32_t)sign);
	view_store_garbage(store, VIEW_SLOTS, sign);
	view_store_garbage(store, VIEW_WORKERS, sign);
}
