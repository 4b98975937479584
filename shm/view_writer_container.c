/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_grow.h"
#include "view_make.h"
#include "view_note.h"

#include <assert.h>

struct put {
	const char *service, *container;
	struct view_session session;
	uint64_t gone_boot_ns;
	bool alive;
	int64_t revision;
};

static bool same_session(const struct view_container_row *row, const struct put *put)
{
	return row->alive == put->alive && row->incarnation == put->session.incarnation &&
	       row->lease == put->session.lease && (bool)row->ours == put->session.ours &&
	       row->gone_boot_ns == put->gone_boot_ns;
}

/* Gone stays gone since the first time it was seen, and what kind of container it was is not forgotten. */
static void keep_gone(const struct view_container_row *row, struct put *put)
{
	if (put->alive)
		return;
	put->session.ours = row->ours;
	if (!row->alive && row->gone_boot_ns)
		put->gone_boot_ns = row->gone_boot_ns;
}

static bool same_heartbeat(const struct view *view, const struct view_container_row *row, const struct put *put)
{
	return strcmp(view_map_text(view, row->heartbeat), put->session.heartbeat) == 0;
}

static void set_session(struct view *view, struct view_container_row *row, const struct put *put)
{
	struct view_service_row *service = &view->services[row->service];
	if (put->alive && !row->alive)
		VIEW_STORE(&service->container_count, service->container_count + 1);
	if (!put->alive && row->alive)
		VIEW_STORE(&service->container_count, service->container_count - 1);
	VIEW_STORE(&row->incarnation, put->session.incarnation);
	VIEW_STORE(&row->lease, put->session.lease);
	VIEW_STORE(&row->ours, put->session.ours);
	VIEW_STORE(&row->gone_boot_ns, put->gone_boot_ns);
	VIEW_STORE(&row->alive, put->alive);
}

static void set_heartbeat(struct view_store *store, struct view_container_row *row, uint32_t text)
{
	if (row->heartbeat)
		view_store_garbage(store, VIEW_TEXTS,
		        (int64_t)view_store_text_units(0, view_map_text(&store->view, row->heartbeat)));
	VIEW_STORE(&row->heartbeat, text);
}

static int put_container(struct view_writer *writer, const void *arg)
{
	struct put copy = *(const struct put *)arg, *put = &copy;
	struct view_store *store = &writer->store;
	struct view *view = &store->view;
	uint32_t service, container, text = 0;
	bool made, made_service;
	int error = view_make_service(store, put->service, &service, &made_service);
	if (!error)
		error = view_make_container(store, service, put->container, &container, &made);
	if (error)
		return error;
	struct view_container_row *row = &view->containers[container];
	keep_gone(row, put);
	bool session = made || !same_session(row, put), heartbeat = !same_heartbeat(view, row, put);
	if (heartbeat)
		error = view_store_text(store, NULL, 0, put->session.heartbeat, &text);
	if (error || (!session && !heartbeat))
		return error;
	view_note_touch(view, service, session);
	if (heartbeat)
		set_heartbeat(store, row, text);
	if (session)
		set_session(view, row, put);
	if (made_service)
		view_note_ring(view, VIEW_SERVICE, service, put->revision);
	view_note_ring(view, session ? VIEW_CONTAINER : VIEW_HEARTBEAT, container, put->revision);
	return 0;
}

static int run(struct view_writer *writer, struct put *put)
{
	assert(writer->store.view.segment->publishing);
	if (!put->session.heartbeat)
		put->session.heartbeat = "";
	if (!*put->service || !*put->container || !view_writer_text_fits(put->service) ||
	        !view_writer_text_fits(put->container) || !view_writer_text_fits(put->session.heartbeat))
		return SM_EINVAL;
	return view_grow_run(writer, put_container, put);
}

int view_writer_container_put(struct view_writer *writer, const char *service, const char *container,
        const struct view_session *session, int64_t revision)
{
	struct put put = {
		.service = service, .container = container, .session = *session, .alive = true, .revision = revision
	};
	return run(writer, &put);
}

int view_writer_container_gone(
        struct view_writer *writer, const char *service, const char *container, uint64_t boot_ns, int64_t revision)
{
	struct put put = { .service = service, .container = container, .gone_boot_ns = boot_ns, .revision = revision };
	return run(writer, &put);
}
