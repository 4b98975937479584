/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A queue of services that lack something, worked off one transaction at a time; each creates only what is absent.
 */
#include "sync_ensure.h"

#include "../common/log.h"
#include "../common/records.h"
#include "sync_governed.h"
#include "sync_hash.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_S 1

struct name {
	struct sync_hash_node node; /* in places */
	struct name *next;          /* in the queue */
	char text[];
};

struct sync_ensure {
	struct sync_context *context;
	struct sync_hash places; /* services whose place is there; filled while loading */
	struct name *queue;
	struct etcd_call *call;
	struct event *timer;
	bool loading;
};

static void work(struct sync_ensure *ensure);

static struct name *new_name(const char *text)
{
	size_t bytes = strlen(text) + 1;
	struct name *name = calloc(1, sizeof(*name) + bytes);

	if (name == NULL)
		fatalx("out of memory for a name");
	memcpy(name->text, text, bytes);
	return name;
}

static void on_done(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result);

static int put_manager(const struct keys *keys, struct etcd_txn *txn, const char *spec)
{
	struct record_service record = { .service = (char *)keys->manager, .create_time = time(NULL) };
	char *value = records_service_print(&record);

	if (value == NULL)
		return SM_ENOMEM;
	etcd_txn_put(txn, ETCD_THEN, spec, value, strlen(value), 0);
	free(value);
	return 0;
}

/* Of the manager's own spec, without which no change has a fence: nobody else may write it. Whether it was garbage. */
static bool replace_garbage(struct sync_ensure *ensure, const struct etcd_kv *kv)
{
	struct record_service record;
	struct etcd_txn *txn;

	if (records_service_parse(kv->value, kv->value_bytes, &record, NULL) == 0) {
		records_service_done(&record);
		return false;
	}
	log_warning("%s held no spec; replacing it, for it is the manager's own", kv->key);
	txn = etcd_txn_new();
	etcd_txn_if_mod_revision(txn, kv->key, kv->mod_revision);
	etcd_txn_get(txn, ETCD_ELSE, kv->key);
	if (put_manager(ensure->context->keys, txn, kv->key) == 0)
		ensure->call = etcd_txn_send(ensure->context->etcd, txn, on_done, ensure);
	if (ensure->call == NULL)
		fatalx("out of memory for the manager's own spec");
	return true;
}

static void on_done(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct sync_ensure *ensure = arg;
	struct name *first = ensure->queue;
	struct timeval wait = { .tv_sec = RETRY_S };

	(void)header;
	ensure->call = NULL;
	if (error != 0) {
		log_warning("creating the permanent keys of %s: %s; trying again", first->text, why);
		evtimer_add(ensure->timer, &wait);
		return;
	}
	if (strcmp(first->text, ensure->context->keys->manager) == 0 && !result->succeeded &&
	        result->ops[0].kv_count == 1 && replace_garbage(ensure, &result->ops[0].kvs[0]))
		return;
	ensure->queue = first->next;
	free(first);
	work(ensure);
}

static int build_manager(const struct keys *keys, struct etcd_txn *txn, const char *spec)
{
	int error = put_manager(keys, txn, spec);

	etcd_txn_if_create_revision(txn, spec, 0);
	etcd_txn_get(txn, ETCD_ELSE, spec);
	return error != 0 ? error : sync_governed_put_place(keys, txn, ETCD_THEN, keys->manager, NULL);
}

static int build_service(const struct keys *keys, struct etcd_txn *txn, const char *spec, const char *service)
{
	struct etcd_txn *place = etcd_txn_new(), *shard = etcd_txn_new();
	struct keys_parts parts = { .kind = KEYS_SHARD_SPEC };
	char key[KEYS_BYTES];
	int error = sync_governed_key(keys, KEYS_HEARTBEATS, service, key, NULL);

	etcd_txn_if_create_revision(place, key, 0);
	strcpy(parts.service, keys->manager);
	strcpy(parts.shard, service);
	if (error == 0)
		error = keys_join(keys, &parts, key, NULL);
	etcd_txn_if_create_revision(shard, key, 0);
	if (error == 0)
		error = sync_governed_put_place(keys, place, ETCD_THEN, service, NULL);
	if (error == 0)
		error = sync_governed_put_shard(keys, shard, ETCD_THEN, service, NULL);
	/* Not when the service was deleted meanwhile. */
	etcd_txn_if_create_revision(txn, spec, 0);
	etcd_txn_nest(txn, ETCD_ELSE, place);
	etcd_txn_nest(txn, ETCD_ELSE, shard);
	return error;
}

static void work(struct sync_ensure *ensure)
{
	const struct keys *keys = ensure->context->keys;
	struct etcd_txn *txn;
	char spec[KEYS_BYTES];
	const char *service;
	int error;

	if (ensure->call != NULL || ensure->queue == NULL)
		return;
	service = ensure->queue->text;
	txn = etcd_txn_new();
	error = sync_governed_key(keys, KEYS_SERVICE_SPEC, service, spec, NULL);
	if (error == 0)
		error = strcmp(service, keys->manager) == 0 ? build_manager(keys, txn, spec)
		                                            : build_service(keys, txn, spec, service);
	if (error == 0)
		ensure->call = etcd_txn_send(ensure->context->etcd, txn, on_done, ensure);
	if (ensure->call == NULL)
		fatalx("out of memory for permanent keys");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	work(arg);
}

static bool has_place(const struct sync_ensure *ensure, const char *service)
{
	struct sync_hash_node *node = sync_hash_first(&ensure->places, sync_hash_text(SYNC_HASH_START, service));

	while (node != NULL && strcmp(SYNC_HASH_OF(node, struct name, node)->text, service) != 0)
		node = sync_hash_next(node);
	return node != NULL;
}

void sync_ensure_place(struct sync_ensure *ensure, const char *service)
{
	struct name *name;

	if (!ensure->loading || has_place(ensure, service))
		return;
	name = new_name(service);
	if (sync_hash_add(&ensure->places, &name->node, sync_hash_text(SYNC_HASH_START, service)) != 0)
		fatalx("out of memory for a name");
}

static void drop_places(struct sync_ensure *ensure)
{
	struct sync_hash_node *node;
	size_t cursor = 0;

	while ((node = sync_hash_pop(&ensure->places, &cursor)) != NULL)
		free(SYNC_HASH_OF(node, struct name, node));
}

static void drop_queue(struct sync_ensure *ensure)
{
	for (struct name *name = ensure->queue, *next; name != NULL; name = next) {
		next = name->next;
		free(name);
	}
	ensure->queue = NULL;
}

void sync_ensure_loading(struct sync_ensure *ensure)
{
	ensure->loading = true;
	if (ensure->call != NULL)
		etcd_cancel(ensure->call);
	ensure->call = NULL;
	evtimer_del(ensure->timer);
	drop_queue(ensure);
	drop_places(ensure);
}

/* The queue without the one whose transaction is under way. */
static struct name **waiting(struct sync_ensure *ensure)
{
	return ensure->call == NULL ? &ensure->queue : &ensure->queue->next;
}

static void enqueue(struct sync_ensure *ensure, const char *service)
{
	struct name *name = new_name(service), **at = waiting(ensure);

	name->next = *at;
	*at = name;
}

static bool is_governed(const struct view *view, uint32_t manager_row, const char *service)
{
	uint32_t row = manager_row == VIEW_NONE ? VIEW_NONE : view_shard_find(view, manager_row, service, 0);
	struct view_shard shard;

	if (row == VIEW_NONE)
		return false;
	view_shard_get(view, row, &shard);
	return shard.exists;
}

static void find_missing(struct sync_ensure *ensure)
{
	const struct view *view = view_writer_view(ensure->context->writer);
	const char *manager = ensure->context->keys->manager;
	uint32_t manager_row = view_service_find(view, manager);
	struct view_service service;

	for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row)) {
		view_service_get(view, row, &service);
		if (!service.exists || strcmp(service.name, manager) == 0)
			continue;
		if (!has_place(ensure, service.name) || !is_governed(view, manager_row, service.name))
			enqueue(ensure, service.name);
	}
}

void sync_ensure_spec(struct sync_ensure *ensure, const char *service)
{
	const char *manager = ensure->context->keys->manager;

	if (ensure->loading || strcmp(service, manager) != 0 || sync_ensure_complete(ensure))
		return;
	for (const struct name *name = *waiting(ensure); name != NULL; name = name->next)
		if (strcmp(name->text, manager) == 0)
			return;
	enqueue(ensure, manager);
	work(ensure);
}

void sync_ensure_loaded(struct sync_ensure *ensure, bool fresh)
{
	ensure->loading = false;
	if (fresh)
		find_missing(ensure);
	drop_places(ensure);
	if (!sync_ensure_complete(ensure))
		enqueue(ensure, ensure->context->keys->manager);
	work(ensure);
}

bool sync_ensure_complete(const struct sync_ensure *ensure)
{
	const struct view *view = view_writer_view(ensure->context->writer);
	uint32_t row = view_service_find(view, ensure->context->keys->manager);
	struct view_service service;

	if (row == VIEW_NONE)
		return false;
	view_service_get(view, row, &service);
	return service.exists;
}

struct sync_ensure *sync_ensure_new(struct sync_context *context)
{
	struct sync_ensure *ensure = calloc(1, sizeof(*ensure));

	if (ensure == NULL)
		return NULL;
	ensure->context = context;
	ensure->timer = evtimer_new(context->base, on_timer, ensure);
	if (ensure->timer == NULL) {
		free(ensure);
		return NULL;
	}
	return ensure;
}

void sync_ensure_free(struct sync_ensure *ensure)
{
	if (ensure == NULL)
		return;
	sync_ensure_loading(ensure);
	sync_hash_done(&ensure->places);
	event_free(ensure->timer);
	free(ensure);
}
