/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two timers of equal rhythm and one watch, independent of each other: none waits for another.
 */
#include "container_renew.h"

#include "shardmgr.h"

#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct container_renew {
	struct container_renew_parts parts;
	const struct container_renew_handler *handler;
	void *arg;
	struct event *beat, *proof;
	struct etcd_call *keepalive, *read;
	struct container_session_mark mark; /* of read */
	struct etcd_watch *watch;
	bool rewatch; /* with the next read */
};

/* part of the TTL, less up to a tenth, so that containers that started together drift apart. */
static void arm(const struct container_renew *renew, struct event *timer, unsigned part)
{
	unsigned char random;
	unsigned ms = renew->parts.ttl_s * 1000u / part;

	evutil_secure_rng_get_bytes(&random, sizeof random);
	ms -= ms * random / 2560u;
	struct timeval wait = { .tv_sec = ms / 1000u, .tv_usec = (suseconds_t)(ms % 1000u) * 1000 };
	evtimer_add(timer, &wait);
}

static void trouble(struct container_renew *renew, const char *what, const char *why)
{
	char text[400];

	snprintf(text, sizeof text, "%s: %s", what, why ? why : sm_error_text(SM_ENOMEM));
	renew->handler->trouble(renew->arg, text);
}

/* ---- keepalive ---- */

static void on_kept(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	struct container_renew *renew = arg;

	(void)lease;
	(void)ttl_s;
	renew->keepalive = NULL;
	arm(renew, renew->beat, error ? 6 : 3);
	if (error == SM_ENOENT)
		renew->handler->gone(renew->arg, "the session's lease has ended");
	else if (error)
		trouble(renew, "cannot renew the lease", why);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct container_renew *renew = arg;

	(void)fd;
	(void)what;
	renew->keepalive = etcd_lease_keepalive(renew->parts.keepalives, renew->parts.identity->lease, on_kept, renew);
	if (!renew->keepalive)
		arm(renew, renew->beat, 6);
}

/* ---- watch ---- */

static void on_events(void *arg, int64_t revision, const struct etcd_event *events, size_t count)
{
	struct container_renew *renew = arg;

	(void)revision;
	for (size_t i = 0; i < count; i++) {
		if (events[i].deleted && strcmp(events[i].kv.key, renew->parts.identity->session_key) == 0) {
			renew->handler->gone(renew->arg, "the session key was deleted");
			return;
		}
	}
}

static void on_alive(void *arg, const struct etcd_header *header)
{
	(void)arg;
	(void)header;
}

static void on_watch_failed(void *arg, int error, const char *why)
{
	struct container_renew *renew = arg;

	if (error == SM_EUNAVAILABLE)
		return;
	etcd_watch_close(renew->watch);
	renew->watch = NULL;
	renew->rewatch = true;
	if (error != SM_ECOMPACTED)
		trouble(renew, "cannot watch the session", why);
}

static void watch_from(struct container_renew *renew, int64_t revision)
{
	static const struct etcd_watch_handler handler = {
		.events = on_events, .alive = on_alive, .failed = on_watch_failed
	};

	renew->watch =
	        etcd_watch_open(renew->parts.watches, renew->parts.identity->session_key, revision, &handler, renew);
	renew->rewatch = !renew->watch;
}

/* ---- proof ---- */

static void on_found(struct container_renew *renew, const struct etcd_range_result *result)
{
	/* WHY copied: what is called may free renew. */
	const struct container_renew_handler *handler = renew->handler;
	void *callee = renew->arg;
	struct container_session_mark mark = renew->mark;
	bool found = result->count > 0 && result->kvs[0].create_revision == mark.incarnation;

	if (found && renew->rewatch)
		watch_from(renew, result->header.revision + 1);
	if (found)
		handler->answered(callee, &mark, &result->header, true);
	else
		handler->gone(callee, "the session key is no longer in etcd");
}

static void on_read(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct container_renew *renew = arg;

	renew->read = NULL;
	arm(renew, renew->proof, error ? 18 : 3);
	if (error)
		trouble(renew, "cannot read the session key", why);
	else
		on_found(renew, result);
}

static void on_proof(evutil_socket_t fd, short what, void *arg)
{
	struct container_renew *renew = arg;

	(void)fd;
	(void)what;
	renew->mark = container_session_send(renew->parts.session, clocks_now());
	renew->read = etcd_get(renew->parts.proofs, renew->parts.identity->session_key, on_read, renew);
	if (!renew->read)
		arm(renew, renew->proof, 18);
}

/* ---- life ---- */

int container_renew_new(const struct container_renew_parts *parts, int64_t revision,
        const struct container_renew_handler *handler, void *arg, struct container_renew **ret_renew)
{
	struct container_renew *renew = calloc(1, sizeof *renew);

	if (!renew)
		return SM_ENOMEM;
	renew->parts = *parts;
	renew->handler = handler;
	renew->arg = arg;
	renew->beat = evtimer_new(parts->base, on_beat, renew);
	renew->proof = evtimer_new(parts->base, on_proof, renew);
	if (!renew->beat || !renew->proof) {
		container_renew_free(renew);
		return SM_ENOMEM;
	}
	watch_from(renew, revision + 1);
	arm(renew, renew->beat, 3);
	arm(renew, renew->proof, 3);
	*ret_renew = renew;
	return 0;
}

void container_renew_free(struct container_renew *renew)
{
	if (!renew)
		return;
	if (renew->watch)
		etcd_watch_close(renew->watch);
	if (renew->keepalive)
		etcd_cancel(renew->keepalive);
	if (renew->read)
		etcd_cancel(renew->read);
	if (renew->beat)
		event_free(renew->beat);
	if (renew->proof)
		event_free(renew->proof);
	free(renew);
}
