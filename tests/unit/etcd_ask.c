/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The etcd client's calls as tests want them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etcd_ask.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_S 60

struct ask *ask_new(struct event_base *base, const char *const *endpoints, const struct etcd_config *config)
{
	struct etcd_config used = config ? *config : (struct etcd_config){ 0 };
	struct ask *ask = calloc(1, sizeof(*ask));
	struct why why = { "" };

	assert_non_null(ask);
	used.endpoints = endpoints;
	for (used.endpoint_count = 0; endpoints[used.endpoint_count];)
		used.endpoint_count++;
	ask->base = base ? base : event_base_new();
	assert_non_null(ask->base);
	if (etcd_new(ask->base, &used, &ask->etcd, &why))
		fail_msg("etcd_new: %s", why.text);
	return ask;
}

void ask_free(struct ask *ask)
{
	etcd_free(ask->etcd);
	event_base_free(ask->base);
	free(ask);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

void ask_wait(struct ask *ask, const bool *done)
{
	const struct timeval limit = { .tv_sec = WAIT_S };
	bool late = false;
	struct event *timer = evtimer_new(ask->base, on_late, &late);

	evtimer_add(timer, &limit);
	while (!*done && !late)
		event_base_loop(ask->base, EVLOOP_ONCE);
	event_free(timer);
	if (!*done)
		fail_msg("no answer within %d s", WAIT_S);
}

void ask_idle(struct ask *ask, unsigned ms)
{
	const struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	bool late = false;
	struct event *timer = evtimer_new(ask->base, on_late, &late);

	evtimer_add(timer, &limit);
	while (!late)
		event_base_loop(ask->base, EVLOOP_ONCE);
	event_free(timer);
}

void ask_clear(struct ask *ask)
{
	struct ask keep = { .base = ask->base, .etcd = ask->etcd };

	*ask = keep;
}

static void answer(struct ask *ask, int error, const char *why)
{
	ask->done = true;
	ask->calls++;
	ask->error = error;
	snprintf(ask->why, sizeof(ask->why), "%s", why);
}

static void copy_kv(struct ask_kv *to, const struct etcd_kv *kv)
{
	snprintf(to->key, sizeof(to->key), "%s", kv->key);
	snprintf(to->value, sizeof(to->value), "%s", kv->value);
	to->create_revision = kv->create_revision;
	to->mod_revision = kv->mod_revision;
	to->version = kv->version;
	to->lease = kv->lease;
}

static void copy_kvs(struct ask *ask, const struct etcd_kv *kvs, size_t count)
{
	for (size_t i = 0; i < count; i++, ask->count++)
		if (ask->count < ASK_KVS)
			copy_kv(&ask->kvs[ask->count], &kvs[i]);
}

void ask_on_range(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct ask *ask = arg;

	answer(ask, error, why);
	if (error)
		return;
	ask->header = result->header;
	copy_kvs(ask, result->kvs, result->count);
}

void ask_on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count)
{
	struct ask *ask = arg;

	if (ask->pages++ > 0)
		assert_int_equal(ask->revision, revision);
	ask->revision = revision;
	copy_kvs(ask, kvs, count);
}

void ask_on_list(void *arg, int error, const char *why, int64_t revision)
{
	struct ask *ask = arg;

	answer(ask, error, why);
	ask->revision = revision;
}

void ask_on_txn(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct ask *ask = arg;

	answer(ask, error, why);
	if (error)
		return;
	ask->header = *header;
	ask->succeeded = result->succeeded;
	ask->op_count = result->count;
	for (size_t i = 0; i < result->count && i < ASK_OPS; i++) {
		ask->ops[i].deleted = result->ops[i].deleted;
		ask->ops[i].kv_count = result->ops[i].kv_count;
		copy_kvs(ask, result->ops[i].kvs, result->ops[i].kv_count);
		ask->ops[i].nested_count = result->ops[i].nested.count;
		ask->ops[i].nested_succeeded = result->ops[i].nested.succeeded;
	}
}

void ask_on_lease(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	struct ask *ask = arg;

	answer(ask, error, why);
	ask->lease = lease;
	ask->ttl_s = ttl_s;
}

static int wait_for(struct ask *ask, const struct etcd_call *call)
{
	assert_non_null(call);
	assert_false(ask->done);
	ask_wait(ask, &ask->done);
	return ask->error;
}

int ask_get(struct ask *ask, const char *key)
{
	ask_clear(ask);
	return wait_for(ask, etcd_get(ask->etcd, key, ask_on_range, ask));
}

int ask_list(struct ask *ask, const char *prefix, int64_t revision)
{
	ask_clear(ask);
	return wait_for(ask, etcd_list(ask->etcd, prefix, revision, ask_on_page, ask_on_list, ask));
}

int ask_txn(struct ask *ask, struct etcd_txn *txn)
{
	ask_clear(ask);
	return wait_for(ask, etcd_txn_send(ask->etcd, txn, ask_on_txn, ask));
}

int ask_put(struct ask *ask, const char *key, const char *value, int64_t lease)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), lease);
	return ask_txn(ask, txn);
}

int ask_delete(struct ask *ask, const char *key)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_delete(txn, ETCD_THEN, key);
	return ask_txn(ask, txn);
}

int ask_grant(struct ask *ask, int64_t ttl_s)
{
	ask_clear(ask);
	return wait_for(ask, etcd_lease_grant(ask->etcd, ttl_s, ask_on_lease, ask));
}

int ask_keepalive(struct ask *ask, int64_t lease)
{
	ask_clear(ask);
	return wait_for(ask, etcd_lease_keepalive(ask->etcd, lease, ask_on_lease, ask));
}

int ask_revoke(struct ask *ask, int64_t lease)
{
	ask_clear(ask);
	return wait_for(ask, etcd_lease_revoke(ask->etcd, lease, ask_on_lease, ask));
}

/* ---- watches ---- */

static void check(struct ask_watch *watch)
{
	watch->done = watch->count >= watch->wanted_events && watch->alives >= watch->wanted_alives &&
	              watch->failures >= watch->wanted_failures && (watch->ended || !watch->wanted_end);
}

static void on_events(void *arg, int64_t header_revision, const struct etcd_event *events, size_t count)
{
	struct ask_watch *watch = arg;

	for (size_t i = 0; i < count; i++) {
		if (watch->count == watch->room) {
			watch->room = watch->room ? watch->room * 2 : 64;
			watch->events = realloc(watch->events, watch->room * sizeof(*watch->events));
			assert_non_null(watch->events);
		}
		copy_kv(&watch->events[watch->count], &events[i].kv);
		if (events[i].deleted)
			watch->events[watch->count].version = -1;
		watch->disordered = watch->disordered || events[i].kv.mod_revision <= watch->last_revision ||
		                    events[i].kv.mod_revision > header_revision;
		watch->count++;
	}
	assert_int_equal(events[count - 1].kv.mod_revision, header_revision);
	watch->last_revision = header_revision;
	watch->batches++;
	check(watch);
}

static void on_alive(void *arg, const struct etcd_header *header)
{
	struct ask_watch *watch = arg;

	watch->header = *header;
	watch->alives++;
	check(watch);
}

static void on_failed(void *arg, int error, const char *why)
{
	struct ask_watch *watch = arg;

	assert_false(watch->ended);
	watch->ended = error != SM_EUNAVAILABLE;
	watch->failures++;
	watch->error = error;
	snprintf(watch->why, sizeof(watch->why), "%s", why);
	check(watch);
}

const struct etcd_watch_handler ask_watch_handler = { on_events, on_alive, on_failed };

void ask_watch_done(struct ask_watch *watch)
{
	free(watch->events);
}

void ask_wait_watch(struct ask *ask, struct ask_watch *watch)
{
	check(watch);
	ask_wait(ask, &watch->done);
}
