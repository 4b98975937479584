/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One transaction at a time, and none for a mark about which nothing has changed since the last.
 */
#include "sync_sweep.h"

#include "../common/log.h"
#include "sync_governed.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_S 1

struct mark {
	struct mark *next;
	int64_t mod_revision;
	bool due;
	char service[KEYS_ID_BYTES + 1];
};

struct sync_sweep {
	struct sync_context *context;
	struct mark *marks;
	struct etcd_call *call;
	struct event *timer;
	bool loading;
	char sending[KEYS_ID_BYTES + 1]; /* the service that call is about; "" when it lists */
};

static struct mark **find(struct sync_sweep *sweep, const char *service)
{
	struct mark **at = &sweep->marks;

	while (*at != NULL && strcmp((*at)->service, service) != 0)
		at = &(*at)->next;
	return at;
}

static void retry_later(struct sync_sweep *sweep)
{
	struct timeval wait = { .tv_sec = RETRY_S };

	evtimer_add(sweep->timer, &wait);
}

static bool is_empty(const struct sync_sweep *sweep, const char *service)
{
	const struct view *view = view_writer_view(sweep->context->writer);
	uint32_t row = view_service_find(view, service);
	struct view_service found;

	if (row == VIEW_NONE)
		return true;
	view_service_get(view, row, &found);
	return !found.exists && found.container_count == 0 && found.claim_count == 0;
}

static void on_swept(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct sync_sweep *sweep = arg;
	struct mark *mark = *find(sweep, sweep->sending);

	(void)header;
	sweep->call = NULL;
	if (error != 0) {
		log_warning("sweeping deleted service %s: %s; trying again", sweep->sending, why);
		/* Safe to repeat: the mark that is compared goes with the rest. */
		if (mark != NULL)
			mark->due = true;
		retry_later(sweep);
		return;
	}
	if (result->succeeded && result->ops[0].nested.succeeded)
		log_info("swept what was left of deleted service %s", sweep->sending);
	sync_sweep_published(sweep);
}

static void send_sweep(struct sync_sweep *sweep, struct mark *mark)
{
	const struct keys *keys = sweep->context->keys;
	struct etcd_txn *txn = etcd_txn_new();
	char key[KEYS_BYTES], spec[KEYS_BYTES];

	mark->due = false;
	strcpy(sweep->sending, mark->service);
	if (sync_governed_key(keys, KEYS_DELETED, mark->service, key, NULL) != 0 ||
	        sync_governed_key(keys, KEYS_SERVICE_SPEC, mark->service, spec, NULL) != 0)
		fatalx("a mark without a key");
	etcd_txn_if_mod_revision(txn, key, mark->mod_revision);
	etcd_txn_if_create_revision(txn, spec, 0);
	if (sync_governed_sweep(keys, txn, ETCD_THEN, mark->service, false, NULL) != 0)
		fatalx("a mark without a key");
	sweep->call = etcd_txn_send(sweep->context->etcd, txn, on_swept, sweep);
	if (sweep->call == NULL)
		fatalx("out of memory for a sweep");
}

void sync_sweep_published(struct sync_sweep *sweep)
{
	if (sweep->call != NULL || sweep->loading)
		return;
	for (struct mark *mark = sweep->marks; mark != NULL; mark = mark->next)
		if (mark->due && is_empty(sweep, mark->service)) {
			send_sweep(sweep, mark);
			return;
		}
}

void sync_sweep_mark(struct sync_sweep *sweep, const char *service, int64_t mod_revision)
{
	struct mark **at = find(sweep, service), *mark = *at;

	if (mod_revision == 0) {
		if (mark != NULL)
			*at = mark->next;
		free(mark);
		return;
	}
	if (mark == NULL) {
		mark = calloc(1, sizeof(*mark));
		if (mark == NULL)
			fatalx("out of memory for a mark");
		strcpy(mark->service, service);
		mark->next = sweep->marks;
		sweep->marks = mark;
	}
	mark->mod_revision = mod_revision;
	mark->due = true;
}

void sync_sweep_went(struct sync_sweep *sweep, const char *service)
{
	struct mark *mark = *find(sweep, service);

	if (mark != NULL)
		mark->due = true;
}

static void drop_marks(struct sync_sweep *sweep)
{
	while (sweep->marks != NULL)
		sync_sweep_mark(sweep, sweep->marks->service, 0);
}

/* ---- loading ---- */

static void on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count)
{
	struct sync_sweep *sweep = arg;
	struct keys_parts parts;

	(void)revision;
	for (size_t i = 0; i < count; i++) {
		keys_split(sweep->context->keys, kvs[i].key, kvs[i].key_bytes, &parts);
		if (parts.kind == KEYS_DELETED)
			sync_sweep_mark(sweep, parts.service, kvs[i].mod_revision);
	}
}

static void on_listed(void *arg, int error, const char *why, int64_t revision)
{
	struct sync_sweep *sweep = arg;

	(void)why;
	(void)revision;
	sweep->call = NULL;
	if (error != 0)
		retry_later(sweep);
	else
		sync_sweep_loaded(sweep, true);
}

static void list_marks(struct sync_sweep *sweep)
{
	char prefix[KEYS_BYTES];

	if (sweep->call != NULL)
		return;
	if (keys_join_prefix(sweep->context->keys, KEYS_PREFIX_DELETED, NULL, NULL, prefix, NULL) != 0)
		fatalx("no prefix for marks");
	sweep->call = etcd_list(sweep->context->etcd, prefix, 0, on_page, on_listed, sweep);
	if (sweep->call == NULL)
		fatalx("out of memory for marks");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sync_sweep *sweep = arg;

	(void)fd;
	(void)what;
	if (sweep->loading)
		list_marks(sweep);
	else
		sync_sweep_published(sweep);
}

void sync_sweep_loading(struct sync_sweep *sweep)
{
	sweep->loading = true;
	if (sweep->call != NULL)
		etcd_cancel(sweep->call);
	sweep->call = NULL;
	evtimer_del(sweep->timer);
	drop_marks(sweep);
}

void sync_sweep_loaded(struct sync_sweep *sweep, bool fresh)
{
	if (!fresh) {
		list_marks(sweep);
		return;
	}
	sweep->loading = false;
	sync_sweep_published(sweep);
}

struct sync_sweep *sync_sweep_new(struct sync_context *context)
{
	struct sync_sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return NULL;
	sweep->context = context;
	sweep->loading = true;
	sweep->timer = evtimer_new(context->base, on_timer, sweep);
	if (sweep->timer == NULL) {
		free(sweep);
		return NULL;
	}
	return sweep;
}

void sync_sweep_free(struct sync_sweep *sweep)
{
	if (sweep == NULL)
		return;
	sync_sweep_loading(sweep);
	event_free(sweep->timer);
	free(sweep);
}
