/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_move.h"

#include "shardmgr.h"
#include "view_index.h"
#include "view_make.h"
#include "view_note.h"
#include "view_sighting.h"

#include <stdlib.h>
#include <string.h>

struct move {
	const struct view *from;
	struct view_store *to;
	uint32_t *services, *containers; /* new row of each old one, or VIEW_NONE */
};

static uint64_t rows_used(const struct view *view, enum view_region_id id)
{
	return view->segment->regions[id].used;
}

static uint32_t *row_map(uint64_t rows)
{
	uint32_t *map = malloc((rows + 1) * sizeof(*map));
	for (uint64_t i = 0; map && i < rows; i++)
		map[i] = VIEW_NONE;
	return map;
}

static bool container_lives(const struct view_container_row *row)
{
	return row->alive || row->claim_count;
}

static int move_text(struct move *move, uint32_t unit, uint32_t *ret_unit)
{
	return view_store_text(move->to, NULL, 0, view_map_text(move->from, unit), ret_unit);
}

/* The counts grow again as the rows of the service arrive. */
static int move_service(struct move *move, uint32_t old)
{
	const struct view_service_row *from = &move->from->services[old];
	uint32_t row, spec;
	bool made;
	int error = view_make_service(move->to, view_map_name(move->from, from->name), &row, &made);
	if (!error)
		error = move_text(move, from->spec, &spec);
	if (error)
		return error;
	struct view_service_row *to = &move->to->view.services[row];
	to->spec = spec;
	to->exists = from->exists;
	to->create_time = from->create_time;
	to->max_shard_count = from->max_shard_count;
	to->max_recovery_time_s = from->max_recovery_time_s;
	to->spec_revision = from->spec_revision;
	to->version = from->version;
	to->config_version = from->config_version;
	if (to->version & VIEW_CHANGING)
		view_note_carry(&move->to->view, row);
	move->services[old] = row;
	return 0;
}

static int move_container(struct move *move, uint32_t old)
{
	const struct view_container_row *from = &move->from->containers[old];
	uint32_t row, heartbeat;
	bool made;
	int error = view_make_container(
	        move->to, move->services[from->service], view_map_name(move->from, from->id), &row, &made);
	if (!error)
		error = move_text(move, from->heartbeat, &heartbeat);
	if (error)
		return error;
	struct view_container_row *to = &move->to->view.containers[row];
	to->heartbeat = heartbeat;
	to->alive = from->alive;
	to->ours = from->ours;
	to->incarnation = from->incarnation;
	to->lease = from->lease;
	to->gone_boot_ns = from->gone_boot_ns;
	move->to->view.services[to->service].container_count += from->alive;
	move->containers[old] = row;
	return 0;
}

static int move_worker(struct move *move, uint32_t old)
{
	const struct view_worker_row *from = &move->from->workers[old];
	uint32_t row;
	bool made;
	if (!from->exists)
		return 0;
	int error = view_make_worker(move->to, move->services[from->service], view_map_name(move->from, from->group),
	        view_map_name(move->from, from->container), &row, &made);
	if (!error)
		view_make_worker_live(move->to, row, true);
	return error;
}

static int move_shard_text(struct move *move, uint32_t unit, uint32_t *ret_unit)
{
	const char *text = view_map_text(move->from, unit);
	size_t head_bytes = *text & VIEW_TEXT_LEASE ? 17 : 1;
	*ret_unit = 0;
	return unit ? view_store_text(move->to, text, head_bytes, text + head_bytes, ret_unit) : 0;
}

static int move_claim(struct move *move, const struct view_shard_row *from, uint32_t slot)
{
	struct view *view = &move->to->view;
	struct view_shard_row *to = &view->shards[view->slot_rows[slot]];
	const struct view_term_row *term = &move->from->terms[from->term];
	uint32_t container = move->containers[(from->claim & VIEW_CONTAINER_MAX) - 1];
	int error = view_make_term(move->to, container, term->incarnation, term->belief_ms, &to->term);
	if (error)
		return error;
	to->claim = (from->claim & ~(uint64_t)VIEW_CONTAINER_MAX) | (container + 1);
	to->claim_mod = from->claim_mod;
	view->containers[container].claim_count++;
	view->services[to->service].claim_count++;
	if (to->claim_mod & 1)
		view->slots[slot].owner = to->claim;
	return 0;
}

static int move_shard(struct move *move, uint32_t old)
{
	const struct view_shard_row *from = &move->from->shards[old];
	uint32_t slot, group, worker_group, pin, text, replica = from->spec >> 1 & VIEW_REPLICA_MAX;
	bool made, exists = from->spec & VIEW_ROW_EXISTS;
	if (!exists && !from->claim)
		return 0;
	int error = view_make_shard(
	        move->to, move->services[from->service], view_map_name(move->from, from->id), replica, &slot, &made);
	if (!error)
		error = view_make_string(move->to, view_map_name(move->from, from->group), &group);
	if (!error)
		error = view_make_string(move->to, view_map_name(move->from, from->worker_group), &worker_group);
	if (!error)
		error = view_make_string(move->to, view_map_name(move->from, from->pin), &pin);
	if (!error)
		error = move_shard_text(move, from->text, &text);
	if (error)
		return error;
	struct view *view = &move->to->view;
	struct view_shard_row *to = &view->shards[view->slot_rows[slot]];
	to->group = group;
	to->worker_group = worker_group;
	to->pin = pin;
	to->text = text;
	to->update_time = from->update_time;
	to->spec = from->spec;
	view->slots[slot].owner = 0;
	view_make_shard_live(move->to, view->slot_rows[slot], true);
	if (exists && replica == 0)
		view->services[to->service].shard_count++;
	return from->claim ? move_claim(move, from, slot) : 0;
}

static int move_head(struct move *move)
{
	const struct view_segment *from = move->from->segment;
	struct view_segment *to = move->to->view.segment;
	memcpy(to->boot_id, from->boot_id, sizeof(to->boot_id));
	to->publishing = from->publishing;
	to->revision = from->revision;
	to->synced_at_ms = from->synced_at_ms;
	to->store_incarnation = from->store_incarnation;
	int error = view_make_string(move->to, view_map_name(move->from, from->prefix), &to->prefix);
	if (!error)
		error = view_make_string(
		        move->to, view_map_name(move->from, from->manager_service), &to->manager_service);
	return error ? error : view_sighting_copy(move->to, move->from);
}

static int move_rows(struct move *move)
{
	const struct view *from = move->from;
	int error = move_head(move);
	for (uint32_t i = 0; !error && i < rows_used(from, VIEW_SERVICES); i++) {
		if (view_map_service_lives(&from->services[i]))
			error = move_service(move, i);
	}
	for (uint32_t i = 0; !error && i < rows_used(from, VIEW_CONTAINERS); i++) {
		if (container_lives(&from->containers[i]))
			error = move_container(move, i);
	}
	for (uint32_t i = 0; !error && i < rows_used(from, VIEW_WORKERS); i++)
		error = move_worker(move, i);
	for (uint32_t i = 0; !error && i < rows_used(from, VIEW_SHARDS); i++)
		error = move_shard(move, i);
	return error;
}

int view_move(const struct view *from, struct view_store *to)
{
	struct move move = { .from = from, .to = to };
	move.services = row_map(rows_used(from, VIEW_SERVICES));
	move.containers = row_map(rows_used(from, VIEW_CONTAINERS));
	int error = move.services && move.containers ? move_rows(&move) : SM_ENOMEM;
	free(move.services);
	free(move.containers);
	return error;
}
