/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Follows the view.
 */
#include "balancer_state.h"

#include "balancer_memory.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES 256

struct place {                            /* of a shard's row */
	struct balancer_service *service; /* NULL: not known yet */
	uint32_t shard;
};

struct balancer_state {
	struct view *view;
	uint64_t cursor, seed;
	struct balancer_service **services; /* in no order */
	uint32_t count, room;
	struct balancer_service **by_row; /* services by their row; NULL: none, or not governed */
	uint32_t row_count;
	struct place *places;
	uint32_t place_count;
};

struct balancer_state *balancer_state_new(struct view *view, uint64_t seed)
{
	struct balancer_state *state = balancer_memory_zeroed(1, sizeof(*state));

	state->view = view;
	state->seed = seed;
	state->cursor = view_change_cursor(view);
	return state;
}

void balancer_state_free(struct balancer_state *state)
{
	if (!state)
		return;
	for (uint32_t i = 0; i < state->count; i++)
		balancer_service_free(state->services[i]);
	free(state->services);
	free(state->by_row);
	free(state->places);
	free(state);
}

uint32_t balancer_state_count(const struct balancer_state *state)
{
	return state->count;
}

struct balancer_service *balancer_state_get(const struct balancer_state *state, uint32_t index)
{
	return state->services[index];
}

static struct balancer_service *find_by_name(const struct balancer_state *state, const char *name)
{
	for (uint32_t i = 0; i < state->count; i++) {
		if (strcmp(state->services[i]->name, name) == 0)
			return state->services[i];
	}
	return NULL;
}

static struct balancer_service *append_service(struct balancer_state *state, const char *name)
{
	if (state->count == state->room) {
		state->room = state->room ? state->room * 2 : 8;
		state->services =
		        balancer_memory_resized(state->services, state->room, sizeof(struct balancer_service *));
	}
	return state->services[state->count++] = balancer_service_new(name, ++state->seed);
}

static void meet_service(struct balancer_state *state, uint32_t row)
{
	struct balancer_service *service;
	struct view_service read;

	view_service_get(state->view, row, &read);
	if (strcmp(read.name, view_manager_service(state->view)) == 0)
		return;
	service = find_by_name(state, read.name);
	if (!service)
		service = append_service(state, read.name);
	service->row = row;
	state->by_row[row] = service;
}

static void make_row_room(struct balancer_state *state, uint32_t row)
{
	uint32_t rows = row + 64;

	if (row < state->row_count)
		return;
	state->by_row = balancer_memory_resized(state->by_row, rows, sizeof(struct balancer_service *));
	memset(state->by_row + state->row_count, 0, (rows - state->row_count) * sizeof(struct balancer_service *));
	state->row_count = rows;
}

static void look_at_services(struct balancer_state *state)
{
	const struct view *view = state->view;

	for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row)) {
		uint64_t version = view_service_config_version(view, row);

		make_row_room(state, row);
		if (!state->by_row[row])
			meet_service(state, row);
		if (state->by_row[row] && state->by_row[row]->config_version != version && !(version & VIEW_CHANGING))
			state->by_row[row]->config_stale = true;
	}
}

static struct place *place_of(const struct balancer_state *state, uint32_t row)
{
	return row < state->place_count && state->places[row].service ? &state->places[row] : NULL;
}

static void shards_changed(struct balancer_state *state, uint32_t row)
{
	struct view_shard shard;

	view_shard_get(state->view, row, &shard);
	if (shard.service < state->row_count && state->by_row[shard.service])
		state->by_row[shard.service]->shards_stale = state->by_row[shard.service]->config_stale = true;
}

static void take_in(struct balancer_state *state, const struct view_change *change, uint64_t now_ms)
{
	const struct place *place;

	if (change->kind == VIEW_SHARD) {
		shards_changed(state, change->row);
	} else if (change->kind == VIEW_CLAIM) {
		place = place_of(state, change->row);
		if (place)
			balancer_service_claim(place->service, state->view, place->shard, now_ms);
		else
			shards_changed(state, change->row);
	}
}

/* Row numbers mean nothing any more (a new segment), or changes were missed. */
static void forget(struct balancer_state *state, bool rows)
{
	for (uint32_t i = 0; i < state->count; i++)
		state->services[i]->shards_stale = state->services[i]->config_stale = true;
	if (!rows)
		return;
	for (uint32_t i = 0; i < state->count; i++)
		state->services[i]->row = VIEW_NONE;
	memset(state->by_row, 0, state->row_count * sizeof(struct balancer_service *));
	memset(state->places, 0, state->place_count * sizeof(*state->places));
}

void balancer_state_follow(struct balancer_state *state, uint64_t now_ms)
{
	struct view_change changes[CHANGES];
	bool remapped = view_refresh(state->view) > 0;
	int count;

	if (remapped) {
		forget(state, true);
		state->cursor = view_change_cursor(state->view);
	}
	look_at_services(state);
	while ((count = view_change_read(state->view, &state->cursor, changes, CHANGES)) != 0) {
		if (count == SM_ELAGGED) {
			forget(state, false);
			state->cursor = view_change_cursor(state->view);
		} else if (count < 0) {
			return;
		}
		for (int i = 0; i < count; i++)
			take_in(state, &changes[i], now_ms);
	}
}

static void make_room(struct balancer_state *state, const struct balancer_shards *shards)
{
	uint32_t last = 0, count;

	for (uint32_t i = 0; i < shards->count; i++)
		last = shards->items[i].row > last ? shards->items[i].row : last;
	if (last < state->place_count)
		return;
	count = last + last / 2 + 64;
	state->places = balancer_memory_resized(state->places, count, sizeof(*state->places));
	memset(state->places + state->place_count, 0, (count - state->place_count) * sizeof(*state->places));
	state->place_count = count;
}

bool balancer_state_read(struct balancer_state *state, struct balancer_service *service, uint64_t now_ms)
{
	const struct balancer_shards *shards = &service->shards;
	bool shards_stale = service->shards_stale, whole;

	for (uint32_t i = 0; shards_stale && i < shards->count; i++) {
		if (shards->items[i].row < state->place_count)
			state->places[shards->items[i].row].service = NULL;
	}
	whole = balancer_service_read(service, state->view, now_ms);
	if (!shards_stale)
		return whole;
	make_room(state, shards);
	for (uint32_t i = 0; i < shards->count; i++)
		state->places[shards->items[i].row] = (struct place){ .service = service, .shard = i };
	return whole;
}
