/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A watch on an etcd that lies: streams cut at every byte, silent ones, repeated and disordered events, refusals. What must come out is every
 * event once and in order, or an end that says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etcd_ask.h"
#include "etcd_liar.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER(revision)                                                                                               \
	"\"header\":{\"cluster_id\":\"1\",\"member_id\":\"2\",\"revision\":\"" #revision "\",\"raft_term\":\"3\"}"
#define CREATED "{\"result\":{" HEADER(20) ",\"created\":true}}\n"
#define PROGRESS "{\"result\":{" HEADER(20) ",\"watch_id\":\"-1\"}}\n"
#define PUT(revision, value)                                                                                           \
	"{\"kv\":{\"key\":\"L2E=\",\"create_revision\":\"1\",\"mod_revision\":\"" #revision                            \
	"\",\"version\":\"1\",\"value\":\"" value "\"}}"
#define DELETED(revision) "{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2E=\",\"mod_revision\":\"" #revision "\"}}"
#define EVENTS(events) "{\"result\":{" HEADER(20) ",\"events\":[" events "]}}\n"

/* What a liar says to a watch: the text, cut, and after that it closes, or answers questions for progress, or is silent. */
struct script {
	char text[8192]; /* chunks, without the head */
	size_t bytes;    /* so many of them, head included; SIZE_MAX = all */
	bool close, progress;
	unsigned delay_ms; /* before it says anything */
	size_t *cuts;      /* not NULL: cut and closed while this is more than 0, then said whole */
	int status;
	const char *refusal;
	/* Seen: */
	size_t streams, questions, tokens;
	long long start_revision;
	bool has_leader_header, closes;
};

struct world {
	struct ask *ask;
	struct liar *liars[2];
	struct script scripts[2];
};

#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

struct late {
	struct script *script;
	struct bufferevent *to;
};

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct late *late = arg;

	(void)fd;
	(void)what;
	liar_say(late->to, HEAD, strlen(HEAD), LIAR_KEEP);
	liar_say(late->to, late->script->text, strlen(late->script->text), LIAR_KEEP);
	free(late);
}

/* The connection must live until then. */
static void say_later(struct script *script, struct bufferevent *to)
{
	const struct timeval delay = { .tv_usec = script->delay_ms * 1000 };
	struct late *late = malloc(sizeof(*late));

	*late = (struct late){ script, to };
	event_base_once(bufferevent_get_base(to), -1, EV_TIMEOUT, on_late, late, &delay);
}

static void start_stream(struct script *script, struct bufferevent *to, const char *head, const char *body)
{
	const char *start = strstr(body, "\"start_revision\":\"");
	char text[sizeof(script->text) + sizeof(HEAD)];
	size_t bytes;

	script->streams++;
	script->start_revision = start ? atoll(start + strlen("\"start_revision\":\"")) : 0;
	script->has_leader_header = strcasestr(head, "\r\nGrpc-Metadata-hasleader: true\r\n");
	script->closes = strcasestr(head, "\r\nConnection: close\r\n");
	if (script->refusal) {
		liar_answer(to, script->status, script->refusal);
		return;
	}
	bytes = (size_t)snprintf(text, sizeof(text), "%s%s", HEAD, script->text);
	if (script->cuts && *script->cuts == 0) {
		liar_say(to, text, bytes, LIAR_KEEP);
		return;
	}
	if (script->cuts)
		--*script->cuts;
	if (script->delay_ms) {
		say_later(script, to);
		return;
	}
	liar_say(to, text, bytes < script->bytes ? bytes : script->bytes, script->close ? LIAR_CLOSE : LIAR_KEEP);
}

static void on_request(struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body)
{
	struct script *script = liar->arg;
	const char *line = strrchr(body, '{');

	if (strcmp(path, "/v3/auth/authenticate") == 0) {
		script->tokens++;
		liar_answer(to, 200, "{\"token\":\"secret\"}");
		return;
	}
	assert_string_equal(path, "/v3/watch");
	if (line && strstr(body, "progress_request") && body[strlen(body) - 1] == '\n') {
		script->questions++;
		if (script->progress)
			liar_chunk(to, PROGRESS);
	} else {
		start_stream(script, to, head, body);
	}
}

static int set_up_with(void **state, const struct etcd_config *config)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *endpoints[] = { NULL, NULL, NULL };
	struct event_base *base = event_base_new();

	for (int i = 0; i < 2; i++) {
		world->liars[i] = liar_new(base, on_request, &world->scripts[i]);
		world->scripts[i].bytes = SIZE_MAX;
		endpoints[i] = world->liars[i]->endpoint;
	}
	world->ask = ask_new(base, endpoints, config);
	*state = world;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, &(struct etcd_config){ .watch_interval_ms = 50 });
}

static int set_up_user(void **state)
{
	return set_up_with(state, &(struct etcd_config){ .username = "user", .watch_interval_ms = 50 });
}

static int set_up_impatient(void **state)
{
	return set_up_with(state, &(struct etcd_config){ .watch_interval_ms = 50, .watch_patience_ms = 100 });
}

/* Created later than the first question would be due, counted from the start, and still in time. */
static int set_up_late(void **state)
{
	return set_up_with(state, &(struct etcd_config){ .watch_interval_ms = 800, .watch_patience_ms = 1000 });
}

static int tear_down(void **state)
{
	struct world *world = *state;

	liar_free(world->liars[0]);
	liar_free(world->liars[1]);
	ask_free(world->ask);
	free(world);
	return 0;
}

static void chunk(struct script *script, const char *text)
{
	size_t used = strlen(script->text);

	assert_true((size_t)snprintf(script->text + used, sizeof(script->text) - used, "%zx\r\n%s\r\n", strlen(text),
	                    text) < sizeof(script->text) - used);
}

static struct etcd_watch *open_watch(struct world *world, int64_t start, struct ask_watch *seen)
{
	struct etcd_watch *watch = etcd_watch_open(world->ask->etcd, "/", start, &ask_watch_handler, seen);

	assert_non_null(watch);
	return watch;
}

/* The first stream is cut; the second has all the events again: those seen already come twice. */
static void a_stream_cut_anywhere_loses_and_repeats_nothing(void **state)
{
	struct world *world = *state;
	struct etcd_watch *watch;
	size_t bytes, whole, cuts;

	for (int i = 0; i < 2; i++) {
		chunk(&world->scripts[i], CREATED);
		chunk(&world->scripts[i], EVENTS(PUT(11, "b25l")) EVENTS(PUT(12, "dHdv") "," DELETED(12)));
		chunk(&world->scripts[i], EVENTS(PUT(13, "dGhyZWU=") "," PUT(15, "IiJ7fSI=")));
		world->scripts[i].close = true;
		world->scripts[i].cuts = &cuts;
	}
	whole = strlen(HEAD) + strlen(world->scripts[0].text);
	for (bytes = 0; bytes <= whole; bytes++) {
		struct ask_watch seen = { .wanted_events = 5, .wanted_alives = 1, .wanted_failures = 1 };

		cuts = 1;
		world->scripts[0].bytes = world->scripts[1].bytes = bytes;
		watch = open_watch(world, 11, &seen);
		ask_wait_watch(world->ask, &seen);
		etcd_watch_close(watch);
		ask_idle(world->ask, 0);
		assert_int_equal(seen.count, 5);
		assert_int_equal(seen.events[0].mod_revision, 11);
		assert_string_equal(seen.events[0].value, "one");
		assert_int_equal(seen.events[1].mod_revision, 12);
		assert_int_equal(seen.events[2].version, -1);
		assert_int_equal(seen.events[4].mod_revision, 15);
		assert_string_equal(seen.events[4].value, "\"\"{}\"");
		assert_int_equal(seen.error, SM_EUNAVAILABLE);
		ask_watch_done(&seen);
	}
}

static void the_resume_point_is_behind_the_last_event(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2, .wanted_failures = 1 };
	struct etcd_watch *watch;

	chunk(&world->scripts[0], CREATED);
	chunk(&world->scripts[0], PROGRESS EVENTS(PUT(12, "dHdv")) PROGRESS);
	world->scripts[0].close = true;
	chunk(&world->scripts[1], CREATED);
	watch = open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(world->scripts[0].start_revision, 11);
	assert_true(world->scripts[0].has_leader_header && world->scripts[0].closes);
	while (world->scripts[1].streams == 0)
		ask_idle(world->ask, 5);
	assert_int_equal(world->scripts[1].start_revision, 13);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void a_watch_from_now_resumes_after_created(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2, .wanted_failures = 1 };
	struct etcd_watch *watch;

	chunk(&world->scripts[0], CREATED);
	world->scripts[0].close = true;
	chunk(&world->scripts[1], CREATED);
	watch = open_watch(world, 0, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(world->scripts[0].start_revision, 0);
	assert_int_equal(world->scripts[1].start_revision, 21);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void silence_moves_it_to_another_endpoint(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 4, .wanted_failures = 2 };
	struct etcd_watch *watch;

	/* The first says created and then nothing; the second not even that, once. */
	chunk(&world->scripts[0], CREATED);
	watch = open_watch(world, 11, &seen);
	while (seen.failures < 2) {
		seen.done = false;
		ask_idle(world->ask, 10);
	}
	assert_true(world->scripts[0].questions >= 1);
	assert_int_equal(world->scripts[1].streams, 1);
	world->scripts[0].progress = true;
	ask_wait_watch(world->ask, &seen);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void it_stays_where_questions_are_answered(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 8 };
	struct etcd_watch *watch;

	chunk(&world->scripts[0], PROGRESS); /* no sign of life before created */
	chunk(&world->scripts[0], CREATED);
	world->scripts[0].progress = true;
	watch = open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(world->scripts[0].streams, 1);
	assert_int_equal(seen.failures, 0);
	assert_true(world->scripts[0].questions >= 7);
	assert_int_equal(seen.header.revision, 20);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void a_late_created_is_no_silence(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2 };
	struct etcd_watch *watch;

	chunk(&world->scripts[0], CREATED);
	world->scripts[0].delay_ms = 500;
	world->scripts[0].progress = true;
	watch = open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.failures, 0);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

/* What stands behind a refusal in the same piece belongs to the stream that has ended. */
static void a_refused_token_is_fetched_again(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	chunk(&world->scripts[0],
	        CREATED "{\"result\":{\"canceled\":true,\"cancel_reason\":\"etcdserver: invalid auth token\"}}" EVENTS(
	                PUT(12, "")));
	watch = open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.error, SM_EREFUSED);
	assert_int_equal(seen.count, 0);
	assert_int_equal(world->scripts[0].streams, 2);
	assert_int_equal(world->scripts[0].tokens, 2);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

/* A stream that is created and then ends, for ever, is not opened in a tight loop. */
static void streams_that_end_at_once_are_spaced(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { 0 };
	struct etcd_watch *watch;

	for (int i = 0; i < 2; i++) {
		chunk(&world->scripts[i], CREATED);
		world->scripts[i].close = true;
	}
	watch = open_watch(world, 11, &seen);
	ask_idle(world->ask, 500);
	assert_true(world->scripts[0].streams + world->scripts[1].streams < 10);
	etcd_watch_close(watch);
}

static void compaction_ends_it(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	chunk(&world->scripts[0], CREATED
	        "{\"result\":{\"header\":{\"cluster_id\":\"1\"},\"canceled\":true,\"compact_revision\":\"30\"}}");
	watch = open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.error, SM_ECOMPACTED);
	ask_idle(world->ask, 300);
	assert_int_equal(seen.failures, 1);
	assert_int_equal(world->scripts[0].streams + world->scripts[1].streams, 1);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void refusals_are_told_apart(void **state)
{
	static const struct {
		int status;
		const char *text;
		int error;
	} cases[] = {
		{ 403, "{\"error\":{\"grpc_code\":7,\"http_code\":403,\"message\":\"etcdserver: permission denied\"}}",
		        SM_EREFUSED },
		{ 404, "404 page not found", SM_EREFUSED },
		{ 503, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}",
		        SM_EUNAVAILABLE },
		{ 500, "", SM_EUNAVAILABLE },
		{ 0, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}",
		        SM_EUNAVAILABLE },
		{ 0, "{\"error\":{\"code\":7,\"message\":\"etcdserver: permission denied\"}}\n", SM_EREFUSED },
		{ 0, "{\"result\":{\"canceled\":true,\"cancel_reason\":\"etcdserver: permission denied\"}}",
		        SM_EREFUSED },
		{ 0, "{\"result\":{\"canceled\":true,\"cancel_reason\":\"etcdserver: no leader\"}}", SM_EUNAVAILABLE },
		{ 0, "{\"result\":{\"canceled\":true}}", SM_EUNAVAILABLE },
		{ 0, "{\"result\":{\"canceled\":1}}", SM_EUNAVAILABLE },
		{ 0, "{\"result\":{\"created\":true}}", SM_EUNAVAILABLE },
		{ 0, "{\"result\":[]}", SM_EUNAVAILABLE },
		{ 0, "{}", SM_EUNAVAILABLE },
		{ 0, "x", SM_EUNAVAILABLE },
		{ 0, "}", SM_EUNAVAILABLE },
		{ 0, CREATED EVENTS("7"), SM_EUNAVAILABLE },
		{ 0, CREATED EVENTS("{\"type\":\"OTHER\",\"kv\":{\"key\":\"L2E=\",\"mod_revision\":\"12\"}}"),
		        SM_EUNAVAILABLE },
		{ 0, CREATED EVENTS("{\"type\":7}"), SM_EUNAVAILABLE },
		{ 0, CREATED EVENTS("{\"kv\":{\"key\":\"L2E\",\"mod_revision\":\"12\"}}"), SM_EUNAVAILABLE },
		{ 0, CREATED EVENTS(PUT(13, "") "," PUT(12, "")), SM_EUNAVAILABLE },
	};
	struct world *world = *state;
	struct etcd_watch *watch;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ask_watch seen = { .wanted_failures = 1 };

		for (int j = 0; j < 2; j++) {
			world->scripts[j].status = cases[i].status;
			world->scripts[j].refusal = cases[i].status ? cases[i].text : NULL;
			world->scripts[j].text[0] = '\0';
			chunk(&world->scripts[j], cases[i].text);
		}
		watch = open_watch(world, 11, &seen);
		ask_wait_watch(world->ask, &seen);
		if (seen.error != cases[i].error)
			fail_msg("%s: %d %s", cases[i].text, seen.error, seen.why);
		assert_int_equal(seen.count, 0);
		etcd_watch_close(watch);
		ask_watch_done(&seen);
	}
}

static void a_bad_start_ends_it(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch = open_watch(world, -1, &seen);

	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.error, SM_EINVAL);
	etcd_watch_close(watch);
}

/* ---- closing and freeing from inside ---- */

struct closer {
	struct world *world;
	struct etcd_watch *watch;
	bool free_client, done;
	size_t calls;
};

static void end_all(struct closer *closer)
{
	closer->calls++;
	closer->done = true;
	if (closer->free_client) {
		etcd_free(closer->world->ask->etcd);
		closer->world->ask->etcd = NULL;
	} else {
		etcd_watch_close(closer->watch);
	}
}

static void close_on_events(void *arg, int64_t revision, const struct etcd_event *events, size_t count)
{
	end_all(arg);
	assert_int_equal(events[count - 1].kv.mod_revision, revision); /* still valid */
}

static void close_on_failed(void *arg, int error, const char *why)
{
	(void)error;
	end_all(arg);
	assert_string_not_equal(why, "");
}

static void ignore_alive(void *arg, const struct etcd_header *header)
{
	(void)arg;
	(void)header;
}

static void close_inside(struct world *world, bool free_client, const char *text)
{
	static const struct etcd_watch_handler handler = { close_on_events, ignore_alive, close_on_failed };
	struct closer closer = { .world = world, .free_client = free_client };

	world->scripts[0].text[0] = '\0';
	chunk(&world->scripts[0], text);
	closer.watch = etcd_watch_open(world->ask->etcd, "/", 11, &handler, &closer);
	ask_wait(world->ask, &closer.done);
	ask_idle(world->ask, 50);
	assert_int_equal(closer.calls, 1);
}

static void it_may_be_closed_by_its_own_callbacks(void **state)
{
	close_inside(*state, false, CREATED EVENTS(PUT(12, "")) EVENTS(PUT(13, "")));
	close_inside(*state, false, CREATED "nonsense" EVENTS(PUT(13, "")));
	close_inside(*state, false,
	        CREATED "{\"result\":{\"canceled\":true,\"compact_revision\":\"30\"}}" EVENTS(PUT(13, "")));
	close_inside(*state, true, CREATED EVENTS(PUT(12, "")) EVENTS(PUT(13, "")));
}

static void the_client_may_be_freed_by_failed(void **state)
{
	close_inside(*state, true, CREATED "nonsense" EVENTS(PUT(13, "")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_stream_cut_anywhere_loses_and_repeats_nothing),
		TEST(the_resume_point_is_behind_the_last_event),
		TEST(a_watch_from_now_resumes_after_created),
		cmocka_unit_test_setup_teardown(silence_moves_it_to_another_endpoint, set_up_impatient, tear_down),
		TEST(it_stays_where_questions_are_answered),
		cmocka_unit_test_setup_teardown(a_late_created_is_no_silence, set_up_late, tear_down),
		cmocka_unit_test_setup_teardown(a_refused_token_is_fetched_again, set_up_user, tear_down),
		TEST(streams_that_end_at_once_are_spaced),
		TEST(compaction_ends_it),
		TEST(refusals_are_told_apart),
		TEST(a_bad_start_ends_it),
		TEST(it_may_be_closed_by_its_own_callbacks),
		TEST(the_client_may_be_freed_by_failed),
	};

	return cmocka_run_group_tests_name("etcd_watch_liar", tests, NULL, NULL);
}
