/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A chain of steps, each started by the answer to the one before:  probe P/store -> list sessions (resume) or everything -> watch.
 * Whatever goes wrong ends the chain and starts it again with the probe.
 */
#include "sync_load.h"

#include "../common/log.h"
#include "sync_resume.h"
#include "sync_store.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 100u
#define RETRY_MOST_MS 5000u
#define DISTRUST_POLL_MS 1000u

struct sync_load {
	struct etcd *etcd;
	struct sync_apply *apply;
	const struct sync_load_hooks *hooks;
	void *arg;
	struct sync_store *store;
	struct sync_resume *resume;
	struct etcd_call *call; /* the list of everything */
	struct etcd_watch *watch;
	struct event *timer;
	unsigned retry_ms;
	int64_t revision;         /* of the view that readers see */
	uint64_t new_incarnation; /* of the one being filled */
	int page_error;
	bool resumable, distrusted, away;
};

static void probe(struct sync_load *load);

/* ---- trouble ---- */

static void say_away(struct sync_load *load, const char *why)
{
	if (!load->away)
		log_warning("etcd is away (%s); the view stays at revision %lld", why, (long long)load->revision);
	load->away = true;
}

static void say_back(struct sync_load *load)
{
	if (load->away)
		log_info("etcd is back");
	load->away = false;
	load->retry_ms = RETRY_FIRST_MS;
}

static void wait_ms(struct sync_load *load, unsigned ms)
{
	struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(load->timer, &wait);
}

static void retry(struct sync_load *load)
{
	wait_ms(load, load->retry_ms);
	load->retry_ms = load->retry_ms * 2 < RETRY_MOST_MS ? load->retry_ms * 2 : RETRY_MOST_MS;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	probe(arg);
}

static void stop_following(struct sync_load *load)
{
	if (load->watch != NULL)
		etcd_watch_close(load->watch);
	load->watch = NULL;
	if (load->call != NULL)
		etcd_cancel(load->call);
	load->call = NULL;
	sync_resume_cancel(load->resume);
	sync_store_cancel(load->store);
}

/* ---- watch ---- */

static void apply_failed(struct sync_load *load, int error)
{
	if (error != SM_EINVAL)
		fatalx("cannot write the view (error %d)", error);
	log_info("the view's segment has used up its container numbers; filling a fresh one");
	stop_following(load);
	load->resumable = false;
	probe(load);
}

static int apply_events(struct sync_load *load, const struct etcd_event *events, size_t count)
{
	int error = 0;

	load->apply->now = clocks_now();
	for (size_t i = 0; i < count && error == 0; i++)
		error = events[i].deleted ? sync_apply_delete(load->apply, &events[i].kv)
		                          : sync_apply_put(load->apply, &events[i].kv);
	return error;
}

static void publish(struct sync_load *load, int64_t revision, bool changed)
{
	view_writer_publish(load->apply->writer, (uint64_t)revision);
	view_writer_synced(load->apply->writer, clocks_now().boot_ns / 1000000u);
	load->revision = revision;
	load->hooks->published(load->arg, revision, changed);
}

static void on_events(void *arg, int64_t header_revision, const struct etcd_event *events, size_t count)
{
	struct sync_load *load = arg;
	struct view_writer *writer = load->apply->writer;
	struct view_usage before, after;
	uint64_t cursor = view_change_cursor(view_writer_view(writer));
	int error;

	view_usage_get(view_writer_view(writer), &before);
	view_writer_begin(writer);
	error = apply_events(load, events, count);
	if (error != 0) {
		apply_failed(load, error);
		return;
	}
	view_usage_get(view_writer_view(writer), &after);
	publish(load, header_revision,
	        view_change_cursor(view_writer_view(writer)) != cursor ||
	                before.segment_number != after.segment_number);
	say_back(load);
	if (load->apply->store_incarnation != sync_store_incarnation(load->store))
		probe(load);
}

static void on_alive(void *arg, const struct etcd_header *header)
{
	struct sync_load *load = arg;

	say_back(load);
	view_writer_synced(load->apply->writer, clocks_now().boot_ns / 1000000u);
	if (sync_store_suspects(load->store, header, load->revision))
		probe(load);
}

static void on_failed(void *arg, int error, const char *why)
{
	struct sync_load *load = arg;

	if (error == SM_EUNAVAILABLE) {
		say_away(load, why);
		return;
	}
	stop_following(load);
	if (error == SM_ECOMPACTED) {
		log_info("etcd has compacted what came after revision %lld; listing everything",
		        (long long)load->revision);
		load->resumable = false;
		probe(load);
		return;
	}
	log_error("watching etcd: %s", why);
	retry(load);
}

static void follow(struct sync_load *load, bool fresh)
{
	static const struct etcd_watch_handler handler = { on_events, on_alive, on_failed };
	char prefix[KEYS_BYTES];

	say_back(load);
	load->resumable = true;
	if (keys_join_prefix(load->apply->keys, KEYS_PREFIX_ALL, NULL, NULL, prefix, NULL) != 0)
		fatalx("no prefix to watch");
	load->watch = etcd_watch_open(load->etcd, prefix, load->revision + 1, &handler, load);
	if (load->watch == NULL)
		fatalx("out of memory for the watch");
	log_info("%s, following from revision %lld", fresh ? "listed everything" : "resumed the view",
	        (long long)load->revision);
	load->hooks->loaded(load->arg, fresh);
}

/* ---- everything into a fresh segment ---- */

static void on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count)
{
	struct sync_load *load = arg;

	(void)revision;
	load->apply->now = clocks_now();
	for (size_t i = 0; i < count && load->page_error == 0; i++)
		load->page_error = sync_apply_put(load->apply, &kvs[i]);
}

static void on_listed(void *arg, int error, const char *why, int64_t revision)
{
	struct sync_load *load = arg;

	load->call = NULL;
	if (load->page_error != 0)
		fatalx("cannot fill the view (error %d)", load->page_error);
	if (error != 0) {
		say_away(load, why);
		retry(load);
		return;
	}
	if (load->apply->store_incarnation != load->new_incarnation) {
		probe(load);
		return;
	}
	sync_store_accept(load->store, load->new_incarnation);
	publish(load, revision, true);
	follow(load, true);
}

static void list_everything(struct sync_load *load)
{
	struct view_writer *writer = load->apply->writer;
	struct view_usage usage = { 0 };
	char prefix[KEYS_BYTES];

	load->hooks->loading(load->arg);
	sync_sessions_clear(load->apply->sessions);
	sync_apply_done(load->apply);
	load->resumable = false;
	load->page_error = 0;
	if (load->revision != 0)
		view_usage_get(view_writer_view(writer), &usage);
	if (view_writer_reset(writer, usage.shard_rows) != 0)
		fatalx("cannot make a segment for the view in the runtime directory");
	view_writer_store_incarnation(writer, load->new_incarnation);
	view_writer_begin(writer);
	if (keys_join_prefix(load->apply->keys, KEYS_PREFIX_ALL, NULL, NULL, prefix, NULL) != 0)
		fatalx("no prefix to list");
	load->call = etcd_list(load->etcd, prefix, 0, on_page, on_listed, load);
	if (load->call == NULL)
		fatalx("out of memory for listing everything");
}

/* ---- resuming: only the sessions, at the view's revision ---- */

static void on_resumed(void *arg, int error, const char *why)
{
	struct sync_load *load = arg;

	if (error == 0) {
		follow(load, false);
	} else if (error == SM_ECOMPACTED) {
		list_everything(load);
	} else {
		say_away(load, why);
		retry(load);
	}
}

static void resume(struct sync_load *load)
{
	load->hooks->loading(load->arg);
	sync_resume_start(load->resume, load->revision);
}

/* ---- the store itself ---- */

static void trust(struct sync_load *load, bool trusted)
{
	if (load->distrusted != trusted)
		return;
	load->distrusted = !trusted;
	load->hooks->trusted(load->arg, trusted);
}

static void distrust(struct sync_load *load, const char *why)
{
	stop_following(load);
	wait_ms(load, DISTRUST_POLL_MS);
	if (!load->distrusted)
		log_error("etcd went back: %s. Until then no claim is freed and the view stays as it is", why);
	trust(load, false);
}

static void go_on(struct sync_load *load, uint64_t incarnation, const struct etcd_kv *kv)
{
	if (sync_apply_put(load->apply, kv) != 0)
		fatalx("out of memory");
	load->new_incarnation = incarnation;
	if (load->watch == NULL && load->resumable)
		resume(load);
	else if (load->watch == NULL)
		list_everything(load);
	/* Now that what was seen of the store of before is forgotten. */
	trust(load, true);
}

static void on_checked(
        void *arg, enum sync_store_verdict verdict, uint64_t incarnation, const struct etcd_kv *kv, const char *why)
{
	struct sync_load *load = arg;

	switch (verdict) {
	case SYNC_STORE_RAISED:
		stop_following(load);
		load->resumable = false;
		view_writer_sighting_clear(load->apply->writer);
		go_on(load, incarnation, kv);
		return;
	case SYNC_STORE_SAME:
		go_on(load, incarnation, kv);
		return;
	case SYNC_STORE_WENT_BACK:
		distrust(load, why);
		return;
	case SYNC_STORE_MALFORMED:
		log_error("%s", why);
		break;
	case SYNC_STORE_AWAY:
		say_away(load, why);
		break;
	}
	/* While following, the watch shows when P/store is right again. */
	if (load->watch == NULL)
		retry(load);
}

static void probe(struct sync_load *load)
{
	sync_store_check(load->store, load->revision);
}

/* ---- life ---- */

void sync_load_start(struct sync_load *load)
{
	probe(load);
}

bool sync_load_following(const struct sync_load *load, const char **ret_why)
{
	if (load->watch != NULL)
		return true;
	*ret_why = load->distrusted ? "etcd's revisions went back; see the log"
	           : load->away     ? "etcd is away"
	                            : "the view is being loaded";
	return false;
}

int64_t sync_load_revision(const struct sync_load *load)
{
	return load->revision;
}

struct sync_load *sync_load_new(struct event_base *base, struct etcd *etcd, struct sync_apply *apply,
        const struct sync_load_hooks *hooks, void *arg, bool resumable)
{
	struct sync_load *load = calloc(1, sizeof(*load));
	uint64_t known;

	if (load == NULL)
		return NULL;
	load->etcd = etcd;
	load->apply = apply;
	load->hooks = hooks;
	load->arg = arg;
	load->retry_ms = RETRY_FIRST_MS;
	load->resumable = resumable;
	/* A view that a kill has torn is not resumed, but tells how far this etcd had come, and so whether it went back. */
	known = view_writer_sighting_incarnation(apply->writer);
	if (known != 0)
		load->revision = (int64_t)view_revision(view_writer_view(apply->writer));
	load->store = sync_store_new(etcd, apply->keys, known, on_checked, load);
	load->resume = sync_resume_new(etcd, apply, on_resumed, load);
	load->timer = evtimer_new(base, on_timer, load);
	if (load->timer == NULL || load->store == NULL || load->resume == NULL) {
		sync_load_free(load);
		return NULL;
	}
	return load;
}

void sync_load_free(struct sync_load *load)
{
	if (load == NULL)
		return;
	if (load->store != NULL && load->resume != NULL)
		stop_following(load);
	sync_resume_free(load->resume);
	sync_store_free(load->store);
	if (load->timer != NULL)
		event_free(load->timer);
	free(load);
}
