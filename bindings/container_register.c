/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A chain of calls, each started by the answer to the one before; at most one is under way, and any trouble starts its step again after
 * a pause. While it waits (for P/store, for the id) a watch wakes it.
 */
#include "container_register.h"

#include "shardmgr.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 200u
#define RETRY_MOST_MS 2000u

struct container_register {
	struct event_base *base;
	struct etcd *etcd;
	struct container_identity *identity;
	struct container_session *session;
	unsigned ttl_s;
	const char *heartbeat;
	const struct container_register_handler *handler;
	void *arg;
	void (*step)(struct container_register *reg); /* what the retry timer does next */
	unsigned failures;
	struct etcd_call *call, *keepalive;
	struct etcd_watch *watch;
	struct event *retry, *beat, *patience;
	struct container_session_mark mark;
	char holder[160];
	bool impatient;
};

static void read_store(struct container_register *reg);
static void grant(struct container_register *reg);
static void put_key(struct container_register *reg);

static struct timeval in_ms(unsigned ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
}

static void go(struct container_register *reg, void (*step)(struct container_register *reg), unsigned pause_ms)
{
	struct timeval pause = in_ms(pause_ms);

	reg->step = step;
	evtimer_add(reg->retry, &pause);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct container_register *reg = arg;

	(void)fd;
	(void)what;
	if (!reg->call)
		reg->step(reg);
}

static void again(struct container_register *reg, void (*step)(struct container_register *reg), const char *why)
{
	char text[400];
	unsigned pause_ms = RETRY_MS << (reg->failures < 4 ? reg->failures : 4);

	reg->failures++;
	snprintf(text, sizeof text, "cannot open a session yet: %s", why ? why : sm_error_text(SM_ENOMEM));
	reg->handler->waiting(reg->arg, text);
	go(reg, step, pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS);
}

static void started(
        struct container_register *reg, struct etcd_call *call, void (*step)(struct container_register *reg))
{
	reg->call = call;
	if (!call)
		again(reg, step, NULL);
}

/* ---- watching what it waits for ---- */

static void unwatch(struct container_register *reg)
{
	if (reg->watch)
		etcd_watch_close(reg->watch);
	reg->watch = NULL;
}

static void on_events(void *arg, int64_t revision, const struct etcd_event *events, size_t count)
{
	struct container_register *reg = arg;

	(void)revision;
	(void)events;
	(void)count;
	unwatch(reg);
	go(reg, reg->step, 0);
}

static void on_alive(void *arg, const struct etcd_header *header)
{
	(void)arg;
	(void)header;
}

static void on_watch_failed(void *arg, int error, const char *why)
{
	struct container_register *reg = arg;

	(void)why;
	if (error == SM_EUNAVAILABLE)
		return;
	unwatch(reg);
	go(reg, reg->step, RETRY_MS);
}

static const struct etcd_watch_handler watch_handler = {
	.events = on_events, .alive = on_alive, .failed = on_watch_failed
};

/* Runs step again when anything under prefix changes after revision. */
static void wait_for(struct container_register *reg, const char *prefix, int64_t revision,
        void (*step)(struct container_register *reg))
{
	reg->failures = 0;
	reg->step = step;
	unwatch(reg);
	reg->watch = etcd_watch_open(reg->etcd, prefix, revision + 1, &watch_handler, reg);
	if (!reg->watch)
		again(reg, step, NULL);
}

/* ---- P/store ---- */

static void on_store(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct container_register *reg = arg;
	uint64_t incarnation;
	struct why bad;

	reg->call = NULL;
	if (error) {
		again(reg, read_store, why);
		return;
	}
	if (result->count == 0) {
		char text[KEYS_BYTES + 160];
		snprintf(text, sizeof text,
		        "waiting for %s, which smd creates: is smd running on this etcd with this prefix?",
		        reg->identity->store_key);
		reg->handler->waiting(reg->arg, text);
		wait_for(reg, reg->identity->store_key, result->header.revision, read_store);
		return;
	}
	if (records_store_parse(result->kvs[0].value, result->kvs[0].value_bytes, &incarnation, &bad) != 0) {
		again(reg, read_store, bad.text);
		return;
	}
	reg->identity->store_incarnation = incarnation;
	reg->identity->store_mod_revision = result->kvs[0].mod_revision;
	reg->failures = 0;
	grant(reg);
}

static void read_store(struct container_register *reg)
{
	started(reg, etcd_get(reg->etcd, reg->identity->store_key, on_store, reg), read_store);
}

/* ---- lease ---- */

static void on_beaten(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	struct container_register *reg = arg;

	/* Trouble shows when the key is gone. */
	(void)error;
	(void)why;
	(void)lease;
	(void)ttl_s;
	reg->keepalive = NULL;
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct container_register *reg = arg;

	(void)fd;
	(void)what;
	if (!reg->keepalive && reg->identity->lease > 0)
		reg->keepalive = etcd_lease_keepalive(reg->etcd, reg->identity->lease, on_beaten, reg);
}

static void on_granted(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	struct container_register *reg = arg;
	struct timeval third = in_ms(reg->ttl_s * 1000u / 3u);

	(void)ttl_s;
	reg->call = NULL;
	if (error) {
		again(reg, grant, why);
		return;
	}
	container_identity_set_lease(reg->identity, lease);
	event_add(reg->beat, &third);
	reg->failures = 0;
	put_key(reg);
}

static void grant(struct container_register *reg)
{
	started(reg, etcd_lease_grant(reg->etcd, reg->ttl_s, on_granted, reg), grant);
}

/* ---- session key, and whose turn it is ---- */

/* Patience is over, but the last word is etcd's: it may have been away for a while, and the holder gone with it. */
static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	struct container_register *reg = arg;

	(void)fd;
	(void)what;
	reg->impatient = true;
	unwatch(reg);
	go(reg, put_key, 0);
}

static void give_up(struct container_register *reg)
{
	char text[400];

	snprintf(text, sizeof text,
	        "the id %s is held by another process (%s) for more than %u s: stop it, or choose another id",
	        reg->identity->id, reg->holder, 2 * reg->ttl_s);
	reg->handler->failed(reg->arg, SM_EEXIST, text);
}

static bool is_session(const struct container_register *reg, const struct etcd_kv *kv, struct keys_parts *ret_parts)
{
	keys_split(&reg->identity->keys, kv->key, kv->key_bytes, ret_parts);
	return ret_parts->kind == KEYS_SESSION;
}

static const struct etcd_kv *oldest_session(const struct container_register *reg, const struct etcd_op_result *list)
{
	const struct etcd_kv *oldest = NULL;
	struct keys_parts parts;

	for (size_t i = 0; i < list->kv_count; i++) {
		const struct etcd_kv *kv = &list->kvs[i];
		if (is_session(reg, kv, &parts) && (!oldest || kv->create_revision < oldest->create_revision))
			oldest = kv;
	}
	return oldest;
}

static void wait_for_turn(struct container_register *reg, const struct etcd_kv *holder, int64_t revision)
{
	struct timeval patience = in_ms(2000u * reg->ttl_s);
	char text[400];
	struct keys_parts parts;

	is_session(reg, holder, &parts);
	snprintf(reg->holder, sizeof reg->holder, "lease %" PRIx64 ", since revision %" PRId64, (uint64_t)parts.lease,
	        holder->create_revision);
	if (reg->impatient) {
		give_up(reg);
		return;
	}
	snprintf(text, sizeof text, "the id %s is held by another process (%s); waiting until its session ends",
	        reg->identity->id, reg->holder);
	reg->handler->waiting(reg->arg, text);
	if (!evtimer_pending(reg->patience, NULL))
		evtimer_add(reg->patience, &patience);
	wait_for(reg, reg->identity->sessions_prefix, revision, put_key);
}

static void on_put(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct container_register *reg = arg;

	reg->call = NULL;
	if (error == SM_ENOENT) {
		again(reg, grant, "the lease has ended");
		return;
	}
	if (error) {
		/* Unknown, too: what is repeated compares. */
		again(reg, put_key, why);
		return;
	}
	const struct etcd_kv *oldest = oldest_session(reg, &result->ops[result->count - 1]);
	if (!oldest)
		again(reg, grant, "the session key was deleted");
	else if (strcmp(oldest->key, reg->identity->session_key) != 0)
		wait_for_turn(reg, oldest, header->revision);
	else
		reg->handler->registered(reg->arg, &reg->mark, oldest->create_revision, header);
}

static void put_key(struct container_register *reg)
{
	struct etcd_txn *txn = etcd_txn_new();
	const struct container_identity *identity = reg->identity;

	if (!txn) {
		again(reg, put_key, NULL);
		return;
	}
	etcd_txn_if_create_revision(txn, identity->session_key, 0);
	etcd_txn_put(txn, ETCD_THEN, identity->session_key, reg->heartbeat, strlen(reg->heartbeat), identity->lease);
	etcd_txn_get_prefix(txn, ETCD_THEN, identity->sessions_prefix, 0);
	etcd_txn_get_prefix(txn, ETCD_ELSE, identity->sessions_prefix, 0);
	reg->mark = container_session_send(reg->session, clocks_now());
	started(reg, etcd_txn_send(reg->etcd, txn, on_put, reg), put_key);
}

/* ---- life ---- */

int container_register_new(struct event_base *base, struct etcd *etcd, struct container_identity *identity,
        struct container_session *session, unsigned ttl_s, const char *heartbeat,
        const struct container_register_handler *handler, void *arg, struct container_register **ret_register)
{
	struct container_register *reg = calloc(1, sizeof *reg);

	if (!reg)
		return SM_ENOMEM;
	*reg = (struct container_register){
		.base = base,
		.etcd = etcd,
		.identity = identity,
		.session = session,
		.ttl_s = ttl_s,
		.heartbeat = heartbeat,
		.handler = handler,
		.arg = arg,
		.retry = evtimer_new(base, on_retry, reg),
		.beat = event_new(base, -1, EV_PERSIST, on_beat, reg),
		.patience = evtimer_new(base, on_patience_over, reg),
	};
	if (!reg->retry || !reg->beat || !reg->patience) {
		container_register_free(reg);
		return SM_ENOMEM;
	}
	container_identity_set_lease(identity, 0);
	go(reg, read_store, 0);
	*ret_register = reg;
	return 0;
}

void container_register_free(struct container_register *reg)
{
	struct event *events[] = { reg ? reg->retry : NULL, reg ? reg->beat : NULL, reg ? reg->patience : NULL };

	if (!reg)
		return;
	unwatch(reg);
	if (reg->call)
		etcd_cancel(reg->call);
	if (reg->keepalive)
		etcd_cancel(reg->keepalive);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i])
			event_free(events[i]);
	}
	free(reg);
}
