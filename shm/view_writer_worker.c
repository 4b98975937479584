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
	const char *service, *group, *container;
	int64_t revision;
};

static int put_worker(struct view_writer *writer, const void *arg)
{
	const struct put *put = arg;
	struct view_store *store = &writer->store;
	uint32_t service, worker;
	bool made_service, made;
	int error = view_make_service(store, put->service, &service, &made_service);
	if (!error)
		error = view_make_worker(store, service, put->group, put->container, &worker, &made);
	if (error || store->view.workers[worker].exists)
		return error;
	view_note_touch(&store->view, service, true);
	view_make_worker_live(store, worker, true);
	if (made_service)
		view_note_ring(&store->view, VIEW_SERVICE, service, put->revision);
	view_note_ring(&store->view, VIEW_WORKER, worker, put->revision);
	return 0;
}

int view_writer_worker_put(
        struct view_writer *writer, const char *service, const char *group, const char *container, int64_t revision)
{
	struct put put = { service, group, container, revision };
	assert(writer->store.view.segment->publishing);
	if (!*service || !view_writer_text_fits(service) || !view_writer_text_fits(group) ||
	        !view_writer_text_fits(container))
		return SM_EINVAL;
	return view_grow_run(writer, put_worker, &put);
}

int view_writer_worker_remove(
        struct view_writer *writer, const char *service, const char *group, const char *container, int64_t revision)
{
	struct view_store *store = &writer->store;
	struct view_key key = { .tag = VIEW_TAG_WORKER, .service = service, .name = group, .container = container };
	uint32_t slot;
	assert(store->view.segment->publishing);
	if (view_index_find(&store->view, &key, &slot) != VIEW_FOUND)
		return 0;
	uint32_t worker = store->view.slot_rows[slot];
	if (!store->view.workers[worker].exists)
		return 0;
	view_note_touch(&store->view, store->view.workers[worker].service, true);
	view_make_worker_live(store, worker, false);
	view_note_ring(&store->view, VIEW_WORKER, worker, revision);
	return 0;
}
