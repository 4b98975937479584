/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_grow.h"
#include "view_make.h"
#include "view_note.h"

#include <assert.h>

struct put {
	const char *service;
	struct view_service_spec spec;
};

static bool same(const struct view *view, const struct view_service_row *row, const struct view_service_spec *spec)
{
	return row->exists && row->create_time == spec->create_time && row->max_shard_count == spec->max_shard_count &&
	       row->max_recovery_time_s == spec->max_recovery_time_s && row->spec_revision == spec->spec_revision &&
	       strcmp(view_map_text(view, row->spec), spec->spec) == 0;
}

static void drop_spec_text(struct view_store *store, const struct view_service_row *row)
{
	if (row->spec)
		view_store_garbage(
		        store, VIEW_TEXTS, (int64_t)view_store_text_units(0, view_map_text(&store->view, row->spec)));
}

static int put_service(struct view_writer *writer, const void *arg)
{
	const struct put *put = arg;
	struct view_store *store = &writer->store;
	uint32_t service, text;
	bool made;
	int error = view_make_service(store, put->service, &service, &made);
	if (error || same(&store->view, &store->view.services[service], &put->spec))
		return error;
	error = view_store_text(store, NULL, 0, put->spec.spec, &text);
	if (error)
		return error;
	struct view_service_row *row = &store->view.services[service];
	view_note_touch(&store->view, service, true);
	drop_spec_text(store, row);
	VIEW_STORE(&row->spec, text);
	VIEW_STORE(&row->create_time, put->spec.create_time);
	VIEW_STORE(&row->max_shard_count, put->spec.max_shard_count);
	VIEW_STORE(&row->max_recovery_time_s, put->spec.max_recovery_time_s);
	VIEW_STORE(&row->spec_revision, put->spec.spec_revision);
	VIEW_STORE(&row->exists, VIEW_ROW_EXISTS);
	view_note_ring(&store->view, VIEW_SERVICE, service, put->spec.spec_revision);
	return 0;
}

int view_writer_service_put(struct view_writer *writer, const char *service, const struct view_service_spec *spec)
{
	struct put put = { service, *spec };
	if (!put.spec.spec)
		put.spec.spec = "";
	if (!*service || !view_writer_text_fits(service) || !view_writer_text_fits(put.spec.spec))
		return SM_EINVAL;
	assert(writer->store.view.segment->publishing);
	return view_grow_run(writer, put_service, &put);
}

int view_writer_service_remove(struct view_writer *writer, const char *service, int64_t revision)
{
	struct view_store *store = &writer->store;
	uint32_t found = view_service_find(&store->view, service);
	assert(store->view.segment->publishing);
	if (found == VIEW_NONE || !store->view.services[found].exists)
		return 0;
	struct view_service_row *row = &store->view.services[found];
	view_note_touch(&store->view, found, true);
	drop_spec_text(store, row);
	VIEW_STORE(&row->exists, 0);
	VIEW_STORE(&row->spec, 0);
	VIEW_STORE(&row->create_time, 0);
	VIEW_STORE(&row->max_shard_count, 0);
	VIEW_STORE(&row->max_recovery_time_s, 0);
	VIEW_STORE(&row->spec_revision, 0);
	view_note_ring(&store->view, VIEW_SERVICE, found, revision);
	return 0;
}
