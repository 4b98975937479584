/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_grow.h"
#include "view_index.h"
#include "view_make.h"
#include "view_note.h"

#include <assert.h>

struct put {
	const char *service, *shard;
	uint32_t replica;
	struct view_shard_spec spec; /* no NULL in it */
};

/* The words of the row that a spec becomes. */
struct words {
	uint32_t group, worker_group, pin, text;
	uint64_t spec;
};

static bool same(const struct view *view, uint32_t shard, const struct view_shard_spec *spec)
{
	struct view_shard now;
	view_shard_get(view, shard, &now);
	return now.exists && now.spec_revision == spec->spec_revision && now.update_time == spec->update_time &&
	       now.lease_id == spec->lease_id && now.lease_expire == spec->lease_expire &&
	       strcmp(now.group, spec->group) == 0 && strcmp(now.worker_group, spec->worker_group) == 0 &&
	       strcmp(now.pin, spec->pin) == 0 && strcmp(now.task, spec->task) == 0;
}

/* Texts are not copied again when only other fields change. */
static int make_text(struct view_store *store, uint32_t shard, const struct view_shard_spec *spec, uint32_t *ret_unit)
{
	struct view_shard now;
	view_shard_get(&store->view, shard, &now);
	*ret_unit = store->view.shards[shard].text;
	if (now.lease_id == spec->lease_id && now.lease_expire == spec->lease_expire &&
	        strcmp(now.task, spec->task) == 0)
		return 0;
	char head[17] = { 0 };
	bool lease = spec->lease_id || spec->lease_expire;
	*ret_unit = 0;
	if (!lease && !*spec->task)
		return 0;
	head[0] = lease ? VIEW_TEXT_LEASE : 0;
	memcpy(head + 1, &spec->lease_id, 8);
	memcpy(head + 9, &spec->lease_expire, 8);
	return view_store_text(store, head, lease ? 17 : 1, spec->task, ret_unit);
}

static int make_words(struct view_store *store, uint32_t shard, const struct put *put, struct words *ret_words)
{
	int error = view_make_string(store, put->spec.group, &ret_words->group);
	if (!error)
		error = view_make_string(store, put->spec.worker_group, &ret_words->worker_group);
	if (!error)
		error = view_make_string(store, put->spec.pin, &ret_words->pin);
	if (!error)
		error = make_text(store, shard, &put->spec, &ret_words->text);
	ret_words->spec = (uint64_t)put->spec.spec_revision << 17 | (uint64_t)put->replica << 1 | VIEW_ROW_EXISTS;
	return error;
}

static void set_text(struct view_store *store, struct view_shard_row *row, uint32_t text)
{
	if (row->text != text)
		view_store_garbage(store, VIEW_TEXTS, (int64_t)view_make_shard_text_units(&store->view, row->text));
	VIEW_STORE(&row->text, text);
}

/* The shard begins to be configured: counted, and found by lookups. */
static void appear(struct view_store *store, uint32_t shard, uint32_t slot, uint32_t replica)
{
	struct view_shard_row *row = &store->view.shards[shard];
	struct view_service_row *service = &store->view.services[row->service];
	if (replica == 0)
		VIEW_STORE(&service->shard_count, service->shard_count + 1);
	if (row->claim)
		return;
	view_make_shard_live(store, shard, true);
	VIEW_STORE(&store->view.slots[slot].owner, 0);
}

static int put_shard(struct view_writer *writer, const void *arg)
{
	const struct put *put = arg;
	struct view_store *store = &writer->store;
	struct view *view = &store->view;
	uint32_t service, slot;
	bool made;
	int error = view_make_service(store, put->service, &service, &made);
	if (!error)
		error = view_make_shard(store, service, put->shard, put->replica, &slot, &made);
	if (error)
		return error;
	uint32_t shard = view->slot_rows[slot];
	if (same(view, shard, &put->spec))
		return 0;
	struct words words;
	error = make_words(store, shard, put, &words);
	if (error)
		return error;
	struct view_shard_row *row = &view->shards[shard];
	bool existed = row->spec & VIEW_ROW_EXISTS;
	view_note_touch(view, service, true);
	VIEW_STORE(&row->group, words.group);
	VIEW_STORE(&row->worker_group, words.worker_group);
	VIEW_STORE(&row->pin, words.pin);
	set_text(store, row, words.text);
	VIEW_STORE(&row->update_time, put->spec.update_time);
	VIEW_STORE(&row->spec, words.spec);
	if (!existed)
		appear(store, shard, slot, put->replica);
	view_note_ring(view, VIEW_SHARD, shard, put->spec.spec_revision);
	return 0;
}

int view_writer_shard_put(struct view_writer *writer, const char *service, const char *shard, uint32_t replica,
        const struct view_shard_spec *spec)
{
	struct put put = { service, shard, replica, *spec };
	const char **texts[] = { &put.spec.group, &put.spec.worker_group, &put.spec.pin, &put.spec.task };
	bool fits = *service && *shard && view_writer_text_fits(service) && view_writer_text_fits(shard) &&
	            replica <= VIEW_REPLICA_MAX && view_writer_revision_fits(spec->spec_revision);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		fits = fits && view_writer_text_fits(*texts[i]);
		if (!*texts[i])
			*texts[i] = "";
	}
	assert(writer->store.view.segment->publishing);
	return fits ? view_grow_run(writer, put_shard, &put) : SM_EINVAL;
}

int view_writer_shard_remove(
        struct view_writer *writer, const char *service, const char *shard, uint32_t replica, int64_t revision)
{
	struct view_store *store = &writer->store;
	struct view *view = &store->view;
	struct view_key key = {
		.tag = VIEW_TAG_SHARD, .service = service, .name = shard, .container = "", .replica = replica
	};
	uint32_t slot;
	assert(view->segment->publishing);
	if (view_index_find(view, &key, &slot) != VIEW_FOUND)
		return 0;
	uint32_t found = view->slot_rows[slot];
	struct view_shard_row *row = &view->shards[found];
	if (!(row->spec & VIEW_ROW_EXISTS))
		return 0;
	struct view_service_row *owner = &view->services[row->service];
	view_note_touch(view, row->service, true);
	if (!row->claim) {
		VIEW_STORE(&view->slots[slot].owner, view_index_tag_owner(VIEW_TAG_REMOVED));
		view_make_shard_live(store, found, false);
	}
	if (replica == 0)
		VIEW_STORE(&owner->shard_count, owner->shard_count - 1);
	VIEW_STORE(&row->spec, (uint64_t)replica << 1);
	VIEW_STORE(&row->group, 0);
	VIEW_STORE(&row->worker_group, 0);
	VIEW_STORE(&row->pin, 0);
	set_text(store, row, 0);
	VIEW_STORE(&row->update_time, 0);
	view_note_ring(view, VIEW_SHARD, found, revision);
	return 0;
}
