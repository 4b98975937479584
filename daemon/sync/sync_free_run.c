/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * When a session ends, the claims that named it are found by reading its service's rows once: an index of all claims would cost more
 * memory than the view. Many ends in a row share a reading.
 */
#include "sync_free_run.h"

#include "../common/log.h"
#include "sync_ended.h"
#include "sync_free.h"
#include "sync_free_send.h"
#include "sync_gone.h"

#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 4        /* transactions at a time */
#define RECOVERY_MOST_S 30 /* a longer one counts as RECOVERY_USED_S: the wire contract's rule */
#define RECOVERY_USED_S 10

struct sync_free_run {
	const struct sync_apply *apply;
	struct sync_free *kernel;
	struct sync_free_send *send;
	struct sync_ended *ended;
	struct event *timer;
	bool loading, warned;
};

static uint64_t recovery_ms(struct sync_free_run *run, const char *service, int64_t seconds)
{
	if (seconds > RECOVERY_MOST_S) {
		if (!run->warned)
			log_warning("service %s: maxRecoveryTime %lld is above %d and counts as %d", service,
			        (long long)seconds, RECOVERY_MOST_S, RECOVERY_USED_S);
		run->warned = true;
		seconds = RECOVERY_USED_S;
	}
	return seconds > 0 ? (uint64_t)seconds * 1000u : 0;
}

static uint64_t recovery_of(struct sync_free_run *run, const char *service)
{
	const struct view *view = view_writer_view(run->apply->writer);
	uint32_t row = view_service_find(view, service);
	struct view_service found;

	if (row == VIEW_NONE)
		return 0;
	view_service_get(view, row, &found);
	return found.exists ? recovery_ms(run, service, found.max_recovery_time_s) : 0;
}

/* ---- sending what is due ---- */

static void send_due(struct sync_free_run *run)
{
	struct sync_free_claim claims[ETCD_TXN_NESTED_TWO];
	struct clocks now = clocks_now();
	struct timeval wait;
	uint64_t wait_ns;

	evtimer_del(run->timer);
	/* Without P/store nothing can be compared; the watch brings it. */
	if (run->loading || run->apply->store_value == NULL)
		return;
	while (sync_free_send_count(run->send) < IN_FLIGHT) {
		size_t count = sync_free_take(run->kernel, now, claims, ETCD_TXN_NESTED_TWO);

		if (count == 0)
			break;
		if (sync_free_send(run->send, run->apply->store_value, claims, count) == 0)
			continue;
		for (size_t i = 0; i < count; i++)
			sync_free_again(run->kernel, &claims[i], now);
	}
	if (sync_free_send_count(run->send) >= IN_FLIGHT || !sync_free_next(run->kernel, now, &wait_ns))
		return;
	wait_ns += 999; /* rounded up to whole us */
	wait = (struct timeval){ .tv_sec = (time_t)(wait_ns / 1000000000u),
		.tv_usec = (suseconds_t)(wait_ns % 1000000000u / 1000) };
	evtimer_add(run->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_due(arg);
}

static void on_sent(void *arg, const struct sync_free_claim *claims, size_t count, bool answered)
{
	struct sync_free_run *run = arg;
	struct clocks now = clocks_now();

	if (answered)
		sync_free_answered(run->kernel);
	for (size_t i = 0; !answered && i < count; i++)
		sync_free_again(run->kernel, &claims[i], now);
	send_due(run);
}

/* ---- what is gone ---- */

static void forget(struct sync_free_run *run, int64_t incarnation)
{
	if (incarnation != 0 && !sync_free_names(run->kernel, incarnation))
		view_writer_sighting_remove(run->apply->writer, incarnation);
}

static void see_gone(struct sync_free_run *run, int64_t incarnation, struct clocks now)
{
	struct view_sighting sighting = { .incarnation = incarnation, .boot_ns = now.boot_ns, .raw_ns = now.raw_ns };

	if (view_writer_sighting_put(run->apply->writer, &sighting) != 0)
		log_warning(
		        "no room to keep when incarnation %lld was seen gone; a restart begins its lock delay again",
		        (long long)incarnation);
}

static struct clocks seen_gone(const struct sync_free_run *run, int64_t incarnation, struct clocks now)
{
	struct view_sighting sighting;

	if (!view_writer_sighting_get(run->apply->writer, incarnation, &sighting))
		return now;
	return (struct clocks){ .boot_ns = sighting.boot_ns, .raw_ns = sighting.raw_ns };
}

/* The claim's incarnation is not among the container's sessions. */
static void note_gone(struct sync_free_run *run, const struct sync_free_claim *claim)
{
	struct view_session holder;
	struct clocks seen = seen_gone(run, claim->incarnation, clocks_now());
	int64_t before;

	if (sync_free_has(run->kernel, claim))
		return;
	before = sync_free_cleared(run->kernel, claim->service, claim->shard, claim->replica);
	if (sync_free_gone(run->kernel, claim, seen,
	            sync_sessions_holder(run->apply->sessions, claim->service, claim->container, &holder),
	            recovery_of(run, claim->service)) != 0)
		fatalx("out of memory for claims to free");
	forget(run, before);
}

/* ---- reading a service's claims ---- */

struct incarnations {
	int64_t *list, last;
	size_t count, room;
};

static void collect_incarnation(void *arg, const struct sync_free_claim *claim)
{
	struct incarnations *gone = arg;

	if (claim->incarnation == gone->last)
		return;
	if (gone->count == gone->room) {
		gone->room = gone->room == 0 ? 64 : gone->room * 2;
		gone->list = reallocarray(gone->list, gone->room, sizeof(*gone->list));
		if (gone->list == NULL)
			fatalx("out of memory for claims to free");
	}
	gone->list[gone->count++] = gone->last = claim->incarnation;
}

static void note_found(void *arg, const struct sync_free_claim *claim)
{
	note_gone(arg, claim);
}

/* Keeping a sighting may move the view to a larger segment with other row numbers: so they are collected and kept first. */
static void read_service(void *arg, const char *service)
{
	struct sync_free_run *run = arg;
	const struct view *view = view_writer_view(run->apply->writer);
	struct incarnations gone = { 0 };
	struct clocks now = clocks_now();

	sync_gone_each(view, run->apply->sessions, service, collect_incarnation, &gone);
	for (size_t i = 0; i < gone.count; i++)
		see_gone(run, gone.list[i], now);
	if (gone.count > 0)
		sync_gone_each(view, run->apply->sessions, service, note_found, run);
	free(gone.list);
}

static void on_settled(void *arg, int64_t incarnation)
{
	forget(arg, incarnation);
}

static void on_late(void *arg)
{
	send_due(arg);
}

static const struct sync_ended_calls ended_calls = { .read = read_service, .settled = on_settled, .late = on_late };

void sync_free_run_published(struct sync_free_run *run)
{
	if (!run->loading)
		sync_ended_run(run->ended);
	send_due(run);
}

/* ---- hooks ---- */

static bool has_claims(const struct sync_free_run *run, const char *service)
{
	const struct view *view = view_writer_view(run->apply->writer);
	uint32_t row = view_service_find(view, service);
	struct view_service found;

	if (row == VIEW_NONE)
		return false;
	view_service_get(view, row, &found);
	return found.claim_count > 0;
}

static void note_end(struct sync_free_run *run, const char *service, int64_t incarnation)
{
	if (!has_claims(run, service))
		return;
	see_gone(run, incarnation, clocks_now());
	if (sync_ended_add(run->ended, service, incarnation) != 0)
		fatalx("out of memory for ended sessions");
}

void sync_free_run_session(
        struct sync_free_run *run, const char *service, const char *container, int64_t began, int64_t ended)
{
	struct view_session holder;

	if (began != 0)
		/* A live incarnation was never seen gone: such a sighting is of another one, in revisions that a restored backup has used again. */
		view_writer_sighting_remove(run->apply->writer, began);
	if (run->loading)
		return;
	if (ended != 0)
		note_end(run, service, ended);
	sync_free_present(run->kernel, service, container,
	        sync_sessions_holder(run->apply->sessions, service, container, &holder));
}

void sync_free_run_claim(struct sync_free_run *run, const char *service, const char *shard, uint32_t replica,
        const struct view_claim *claim)
{
	if (run->loading)
		return;
	if (claim == NULL ||
	        sync_sessions_present(run->apply->sessions, service, claim->container, claim->incarnation)) {
		forget(run, sync_free_cleared(run->kernel, service, shard, replica));
		return;
	}
	see_gone(run, claim->incarnation, clocks_now());
	note_gone(run, &(struct sync_free_claim){ .service = service,
	                       .shard = shard,
	                       .container = claim->container,
	                       .replica = replica,
	                       .belief_ms = claim->belief_ms,
	                       .incarnation = claim->incarnation,
	                       .mod_revision = claim->mod_revision });
}

void sync_free_run_spec(struct sync_free_run *run, const char *service, int64_t max_recovery_time_s)
{
	sync_free_recovery(run->kernel, service, recovery_ms(run, service, max_recovery_time_s));
}

void sync_free_run_loading(struct sync_free_run *run)
{
	run->loading = true;
	sync_free_clear(run->kernel);
	sync_ended_clear(run->ended);
}

static uint64_t segment_number(const struct view *view)
{
	struct view_usage usage;

	view_usage_get(view, &usage);
	return usage.segment_number;
}

static void read_all(struct sync_free_run *run)
{
	const struct view *view = view_writer_view(run->apply->writer);
	uint64_t number = segment_number(view);
	struct view_service service;

	for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row)) {
		view_service_get(view, row, &service);
		read_service(run, service.name);
		if (segment_number(view) == number)
			continue;
		/* Moved to a larger segment: the service is in another row, behind the same ones. */
		number = segment_number(view);
		row = view_service_find(view, service.name);
		if (row == VIEW_NONE)
			fatalx("service %s is lost in the view", service.name);
	}
}

void sync_free_run_loaded(struct sync_free_run *run)
{
	run->loading = false;
	read_all(run);
	if (sync_free_count(run->kernel) > 0)
		log_info("%zu claims name containers that are gone", sync_free_count(run->kernel));
	send_due(run);
}

void sync_free_run_hold(struct sync_free_run *run, bool held)
{
	sync_free_hold(run->kernel, held);
	send_due(run);
}

struct sync_free_run *sync_free_run_new(struct event_base *base, struct etcd *etcd, const struct sync_apply *apply)
{
	struct sync_free_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->apply = apply;
	run->loading = true;
	run->kernel = sync_free_new();
	run->send = sync_free_send_new(etcd, apply->keys, on_sent, run);
	run->timer = evtimer_new(base, on_timer, run);
	run->ended = sync_ended_new(base, &ended_calls, run);
	if (run->kernel == NULL || run->send == NULL || run->timer == NULL || run->ended == NULL) {
		sync_free_run_free(run);
		return NULL;
	}
	return run;
}

void sync_free_run_free(struct sync_free_run *run)
{
	if (run == NULL)
		return;
	sync_ended_free(run->ended);
	sync_free_send_free(run->send);
	sync_free_free(run->kernel);
	if (run->timer != NULL)
		event_free(run->timer);
	free(run);
}
