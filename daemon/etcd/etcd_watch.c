/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A watch: one stream at a time, a new one on the next endpoint whenever it ends, stalls or makes no sense, from the first revision that
 * was not delivered yet. Only events move that revision: etcd 3.4 answers a question for progress before it has sent older events.
 */
#include "etcd_client.h"
#include "etcd_range.h"
#include "etcd_scan.h"
#include "etcd_watch_message.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY_MS 100u
#define MOST_DELAY_MS 2000u
#define MOST_PATIENCE_MS 30000u

struct etcd_watch {
	struct etcd_client_guest guest; /* first member */
	struct etcd *etcd;
	struct etcd_parts *parts;
	struct etcd_watch_handler handler;
	void *arg;
	char *prefix;
	int64_t next_revision; /* 0: from now on, until created says what that is */
	struct event *timer;
	struct etcd_auth_waiter waiter;
	size_t endpoint;
	unsigned failures; /* streams in a row that ended without being good for anything */
	unsigned silences; /* those of them that ended because nothing came */
	unsigned refusals; /* tokens in a row that were refused */
	unsigned generation;
	/* Of this stream: */
	unsigned stream; /* its number */
	struct etcd_transfer *transfer;
	struct etcd_scan scan;
	bool created;
	uint64_t ask_ms;      /* when to ask for a sign of life */
	uint64_t deadline_ms; /* by when something must have come; 0 = nothing is due */
	/* The user is being called in a loop; the watch was closed meanwhile. */
	bool calling, closed;
};

static void start_stream(struct etcd_watch *watch);

/* ---- the timer ---- */

static void set_timer(struct etcd_watch *watch, uint64_t at_ms)
{
	uint64_t now = etcd_http_now_ms(), in = at_ms > now ? at_ms - now : 0;
	struct timeval timeout = { .tv_sec = (time_t)(in / 1000), .tv_usec = (suseconds_t)(in % 1000 * 1000) };

	evtimer_add(watch->timer, &timeout);
}

static void set_stream_timer(struct etcd_watch *watch)
{
	bool due = watch->deadline_ms && (!watch->created || watch->deadline_ms < watch->ask_ms);

	set_timer(watch, due ? watch->deadline_ms : watch->ask_ms);
}

/* More of it after each silence: an etcd that is slow today must not be asked for ever and never heard. */
static uint64_t patience_ms(const struct etcd_watch *watch)
{
	uint64_t patience = watch->parts->watch_patience_ms;

	for (unsigned i = 0; i < watch->silences && patience < MOST_PATIENCE_MS; i++)
		patience *= 2;
	return patience;
}

/* ---- ending a stream ---- */

static void end_stream(struct etcd_watch *watch)
{
	if (watch->transfer)
		etcd_http_cancel(watch->transfer);
	watch->transfer = NULL;
	watch->stream++;
	watch->scan = (struct etcd_scan){ 0 };
	watch->created = false;
	watch->deadline_ms = 0;
	event_del(watch->timer);
}

/* Ends this stream and goes on with another; the last thing done with the watch, the user is told. */
static void retry(struct etcd_watch *watch, const char *why)
{
	const struct etcd_endpoint *endpoint = &watch->parts->endpoints.list[watch->endpoint];
	uint64_t delay = FIRST_DELAY_MS;
	struct why text;

	end_stream(watch);
	etcd_endpoints_failed(&watch->parts->endpoints, watch->endpoint);
	watch->endpoint = (watch->endpoint + 1) % watch->parts->endpoints.count;
	watch->failures++;
	for (unsigned i = 1; i < watch->failures && delay < MOST_DELAY_MS; i++)
		delay *= 2;
	set_timer(watch, etcd_http_now_ms() + (watch->failures < watch->parts->endpoints.count ? 0 : delay));
	why_set(&text, 0, "watch on etcd at %s: %s", endpoint->name, why);
	watch->handler.failed(watch->arg, SM_EUNAVAILABLE, text.text);
}

/* The end; the last thing done with the watch. */
static void fail(struct etcd_watch *watch, int error, const char *why)
{
	end_stream(watch);
	watch->handler.failed(watch->arg, error, why);
}

/* etcd has ended the stream, or refused it; the last thing done with the watch. */
static void refused(struct etcd_watch *watch, struct etcd_verdict verdict, const char *why)
{
	/* etcd 3.4 says "permission denied" for a bad token, too. */
	bool maybe_token = verdict.token || verdict.error == SM_EREFUSED;

	if (maybe_token && watch->refusals++ == 0 && etcd_auth_refused(watch->parts->auth, watch->generation)) {
		end_stream(watch);
		start_stream(watch);
	} else if (verdict.error == SM_EREFUSED || verdict.error == SM_ECOMPACTED) {
		fail(watch, verdict.error, why);
	} else {
		retry(watch, why);
	}
}

/* ---- what comes ---- */

/* The stream is good for something. That it was created is not enough: one that ends right after that, again and again, must not be opened
 * again without delay. */
static void note_success(struct etcd_watch *watch)
{
	watch->failures = watch->silences = watch->refusals = 0;
}

/* Whole revisions, without those that were delivered before this stream. */
static void deliver(struct etcd_watch *watch, const struct etcd_watch_message *message)
{
	const struct etcd_event *first = message->events, *end = message->events + message->count;
	int64_t last;

	while (first < end && first->kv.mod_revision < watch->next_revision)
		first++;
	if (first == end)
		return;
	last = end[-1].kv.mod_revision;
	watch->next_revision = last + 1;
	note_success(watch);
	watch->handler.events(watch->arg, last, first, (size_t)(end - first));
}

/* The last thing done with the watch, as far as this message goes. */
static void take_message(struct etcd_watch *watch, const struct etcd_watch_message *message, const char *why)
{
	switch (message->kind) {
	case ETCD_WATCH_CREATED:
		watch->created = true;
		if (watch->next_revision == 0)
			watch->next_revision = message->header.revision + 1;
		watch->deadline_ms = 0;
		watch->ask_ms = etcd_http_now_ms() + watch->parts->watch_interval_ms;
		set_stream_timer(watch);
		watch->handler.alive(watch->arg, &message->header);
		break;
	case ETCD_WATCH_PROGRESS:
		if (!watch->created) /* from 3.5 on the answer may overtake created */
			break;
		note_success(watch);
		watch->handler.alive(watch->arg, &message->header);
		break;
	case ETCD_WATCH_EVENTS:
		deliver(watch, message);
		break;
	case ETCD_WATCH_CANCELED:
		if (message->compact_revision > 0)
			fail(watch, SM_ECOMPACTED, why);
		else
			refused(watch, message->verdict, why);
		break;
	case ETCD_WATCH_ERROR:
		refused(watch, message->verdict, why);
		break;
	}
}

static void on_data(void *arg, struct etcd_text *received)
{
	struct etcd_watch *watch = arg;
	struct etcd_watch_message message;
	unsigned stream = watch->stream;
	struct etcd_arena arena = { 0 };
	size_t used = 0, bytes;
	struct why why = { "" };

	if (watch->created)
		watch->deadline_ms = 0;
	watch->calling = true;
	/* The user may close the watch, and a message may end the stream: then received is gone. */
	while (watch->stream == stream &&
	        (bytes = etcd_scan_next(&watch->scan, received->data + used, received->bytes - used)) > 0) {
		if (etcd_watch_message_parse(received->data + used, bytes, &arena, &message, &why))
			retry(watch, why.text);
		else
			take_message(watch, &message, why.text);
		used += bytes;
		etcd_arena_done(&arena);
	}
	watch->calling = false;
	if (watch->stream == stream)
		etcd_text_consume(received, used);
	if (watch->closed)
		free(watch);
}

static void on_ended(void *arg, const struct etcd_transfer_answer *answer)
{
	struct etcd_watch *watch = arg;
	struct etcd_verdict verdict;
	struct why why = { "" };
	json_t *body;

	watch->transfer = NULL; /* gone already */
	if (answer->error || answer->status == 200) {
		retry(watch, answer->error ? answer->why : "etcd has ended the stream");
		return;
	}
	body = json_loadb(answer->body, answer->body_bytes, JSON_DISABLE_EOF_CHECK, NULL);
	verdict = etcd_error_judge(answer->status, body, &why);
	json_decref(body);
	refused(watch, verdict, why.text);
}

static const struct etcd_transfer_handler handler = { .ended = on_ended, .data = on_data };

/* ---- starting a stream ---- */

static bool send_create(struct etcd_watch *watch)
{
	struct etcd_text text = { 0 };
	bool sent;

	etcd_text_add(&text, "{\"create_request\":{");
	etcd_range_add_prefix(&text, watch->prefix, NULL, 0);
	if (watch->next_revision > 0) {
		/* WHY: one before, which deliver leaves out. etcd 3.4 takes a watch from the very revision of a compaction, where a deletion has left
		 * no trace; from one before it says that it was compacted. */
		int64_t seen = watch->next_revision - 1;

		etcd_text_add(&text, ",\"start_revision\":");
		etcd_text_add_number(&text, seen > 0 ? seen : 1);
	}
	etcd_text_add(&text, "}}\n");
	sent = !text.failed && etcd_http_send(watch->transfer, text.data, text.bytes) == 0;
	etcd_text_done(&text);
	return sent;
}

/* Calls no user. */
static void start_stream(struct etcd_watch *watch)
{
	struct etcd_transfer_request request = { .path = "/v3/watch", .timeout_ms = watch->parts->timeout_ms };

	if (!etcd_auth_is_ready(watch->parts->auth)) {
		if (etcd_auth_wait(watch->parts->auth, &watch->waiter))
			set_timer(watch, etcd_http_now_ms() + MOST_DELAY_MS);
		return;
	}
	request.endpoint = &watch->parts->endpoints.list[watch->endpoint];
	request.token = etcd_auth_token(watch->parts->auth);
	watch->generation = etcd_auth_generation(watch->parts->auth);
	watch->transfer = etcd_http_stream(watch->parts->http, &request, &handler, watch);
	if (!watch->transfer || !send_create(watch)) {
		end_stream(watch);
		set_timer(watch, etcd_http_now_ms() + MOST_DELAY_MS);
		return;
	}
	watch->deadline_ms = etcd_http_now_ms() + patience_ms(watch);
	set_stream_timer(watch);
}

static void on_token(void *arg, int error, const char *why)
{
	struct etcd_watch *watch = arg;

	if (error == SM_EREFUSED)
		fail(watch, error, why);
	else if (error)
		retry(watch, why);
	else
		start_stream(watch);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const char question[] = "{\"progress_request\":{}}\n";
	struct etcd_watch *watch = arg;
	uint64_t now = etcd_http_now_ms();

	(void)fd;
	(void)what;
	if (watch->next_revision < 0) {
		fail(watch, SM_EINVAL, "a watch from a negative revision");
	} else if (!watch->transfer) {
		start_stream(watch);
	} else if (etcd_http_has_news(watch->transfer)) {
		set_timer(watch, now); /* the loop was held up, and what is due lies here already */
	} else if (watch->deadline_ms && now >= watch->deadline_ms) {
		watch->silences++;
		retry(watch, watch->created ? "no sign of life" : "not created in time");
	} else if (watch->created && now >= watch->ask_ms &&
	           etcd_http_send(watch->transfer, question, strlen(question))) {
		retry(watch, "out of memory");
	} else {
		if (watch->created && now >= watch->ask_ms) {
			watch->ask_ms = now + watch->parts->watch_interval_ms;
			if (!watch->deadline_ms)
				watch->deadline_ms = now + patience_ms(watch);
		}
		set_stream_timer(watch);
	}
}

/* ---- the watch ---- */

static void end_with_client(struct etcd_client_guest *guest)
{
	etcd_watch_close((struct etcd_watch *)guest);
}

struct etcd_watch *etcd_watch_open(
        struct etcd *etcd, const char *prefix, int64_t start_revision, const struct etcd_watch_handler *user, void *arg)
{
	struct etcd_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->etcd = etcd;
	watch->parts = etcd_client_parts(etcd);
	watch->handler = *user;
	watch->arg = arg;
	watch->next_revision = start_revision;
	watch->endpoint = watch->parts->endpoints.current;
	watch->waiter.ready = on_token;
	watch->waiter.arg = watch;
	watch->guest.end = end_with_client;
	watch->prefix = strdup(prefix);
	watch->timer = evtimer_new(watch->parts->base, on_timer, watch);
	etcd_client_enter(etcd, &watch->guest);
	if (!watch->prefix || !watch->timer) {
		etcd_watch_close(watch);
		return NULL;
	}
	set_timer(watch, 0);
	return watch;
}

void etcd_watch_close(struct etcd_watch *watch)
{
	if (!watch)
		return;
	if (watch->timer) {
		end_stream(watch);
		event_free(watch->timer);
	}
	etcd_auth_forget(watch->parts->auth, &watch->waiter);
	etcd_client_leave(watch->etcd, &watch->guest);
	free(watch->prefix);
	watch->closed = true;
	if (!watch->calling)
		free(watch);
}
