/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_index.h"
#include "view_map.h"

#include <string.h>

bool view_shard_removed(const struct view *view, uint32_t shard)
{
	if (!view_map_has(view, VIEW_SHARDS, shard))
		return true;
	const struct view_shard_row *row = &view->shards[shard];
	return !(VIEW_LOAD(&row->spec) & VIEW_ROW_EXISTS) && VIEW_LOAD(&row->claim) == 0;
}

uint32_t view_shard_find(const struct view *view, uint32_t service, const char *id, uint32_t replica)
{
	if (!view_map_has(view, VIEW_SERVICES, service))
		return VIEW_NONE;
	struct view_key key = { .tag = VIEW_TAG_SHARD,
		.service = view_map_name(view, view->services[service].name),
		.name = id,
		.container = "",
		.replica = replica };
	uint32_t slot;
	if (view_index_find(view, &key, &slot) != VIEW_FOUND)
		return VIEW_NONE;
	uint32_t row = VIEW_LOAD(&view->slot_rows[slot]);
	return view_shard_removed(view, row) ? VIEW_NONE : row;
}

static uint32_t shard_from(const struct view *view, uint32_t row)
{
	while (view_map_has(view, VIEW_SHARDS, row)) {
		if (!view_shard_removed(view, row))
			return row;
		uint32_t next = VIEW_LOAD(&view->shards[row].next);
		row = next > row ? next : VIEW_NONE; /* a damaged list must end, too */
	}
	return VIEW_NONE;
}

uint32_t view_shard_first(const struct view *view, uint32_t service)
{
	if (!view_map_has(view, VIEW_SERVICES, service))
		return VIEW_NONE;
	return shard_from(view, VIEW_LOAD(&view->services[service].first_shard));
}

uint32_t view_shard_next(const struct view *view, uint32_t shard)
{
	if (!view_map_has(view, VIEW_SHARDS, shard))
		return VIEW_NONE;
	uint32_t next = VIEW_LOAD(&view->shards[shard].next);
	return next > shard ? shard_from(view, next) : VIEW_NONE;
}

static void get_text(const struct view *view, uint32_t unit, struct view_shard *ret_shard)
{
	const char *text = view_map_text(view, unit);
	uint64_t left = (view->segment->regions[VIEW_TEXTS].capacity - 1) * VIEW_TEXT_UNIT;
	ret_shard->task = "";
	if (!unit || (uint64_t)(text - view->texts) > left - VIEW_TEXT_UNIT)
		return;
	if (*text++ & VIEW_TEXT_LEASE) {
		memcpy(&ret_shard->lease_id, text, 8);
		memcpy(&ret_shard->lease_expire, text + 8, 8);
		text += 16;
	}
	ret_shard->task = text;
}

static void get_claim(const struct view *view, const struct view_shard_row *row, struct view_shard *ret_shard)
{
	uint64_t claim = VIEW_LOAD(&row->claim);
	if (!claim)
		return;
	uint64_t mod = VIEW_LOAD(&row->claim_mod);
	ret_shard->claim_container = claim & VIEW_CONTAINER_MAX;
	ret_shard->claim_token = view_store_incarnation(view) << 48 | claim >> VIEW_CONTAINER_BITS;
	ret_shard->ready = mod & 1;
	ret_shard->claim_mod_revision = (int64_t)(mod >> 1);
	uint32_t term = VIEW_LOAD(&row->term);
	if (view_map_has(view, VIEW_TERMS, term)) {
		ret_shard->claim_incarnation = view->terms[term].incarnation;
		ret_shard->belief_ms = view->terms[term].belief_ms;
	}
}

void view_shard_get(const struct view *view, uint32_t shard, struct view_shard *ret_shard)
{
	*ret_shard = (struct view_shard){ .id = "", .group = "", .worker_group = "", .pin = "", .task = "" };
	if (!view_map_has(view, VIEW_SHARDS, shard))
		return;
	const struct view_shard_row *row = &view->shards[shard];
	uint64_t spec = VIEW_LOAD(&row->spec);
	ret_shard->id = view_map_name(view, row->id);
	ret_shard->service = row->service;
	ret_shard->replica = spec >> 1 & VIEW_REPLICA_MAX;
	ret_shard->exists = spec & VIEW_ROW_EXISTS;
	ret_shard->group = view_map_name(view, VIEW_LOAD(&row->group));
	ret_shard->worker_group = view_map_name(view, VIEW_LOAD(&row->worker_group));
	ret_shard->pin = view_map_name(view, VIEW_LOAD(&row->pin));
	ret_shard->update_time = VIEW_LOAD(&row->update_time);
	ret_shard->spec_revision = (int64_t)(spec >> 17);
	get_text(view, VIEW_LOAD(&row->text), ret_shard);
	get_claim(view, row, ret_shard);
}
