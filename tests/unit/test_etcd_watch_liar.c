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

#include "etcd_stream.h"
#include "shardmgr.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
	return stream_set_up(state, &(struct etcd_config){ .watch_interval_ms = 50 });
}

static int set_up_user(void **state)
{
	return stream_set_up(state, &(struct etcd_config){ .username = "user", .watch_interval_ms = 50 });
}

static int set_up_impatient(void **state)
{
	return stream_set_up(state, &(struct etcd_config){ .watch_interval_ms = 50, .watch_patience_ms = 100 });
}

/* Created later than the first question would be due, counted from the start, and still in time. */
static int set_up_late(void **state)
{
	return stream_set_up(state, &(struct etcd_config){ .watch_interval_ms = 800, .watch_patience_ms = 1000 });
}

/* The first stream is cut; the second has all the events again: those seen already come twice. */
static void a_stream_cut_anywhere_loses_and_repeats_nothing(void **state)
{
	struct stream_world *world = *state;
	struct etcd_watch *watch;
	size_t bytes, whole, cuts;

	for (int i = 0; i < 2; i++) {
		stream_chunk(&world->scripts[i], CREATED);
		stream_chunk(&world->scripts[i], EVENTS(PUT(11, "b25l")) EVENTS(PUT(12, "dHdv") "," DELETED(12)));
		stream_chunk(&world->scripts[i], EVENTS(PUT(13, "dGhyZWU=") "," PUT(15, "IiJ7fSI=")));
		world->scripts[i].close = true;
		world->scripts[i].cuts = &cuts;
	}
	whole = strlen(STREAM_HEAD) + strlen(world->scripts[0].text);
	for (bytes = 0; bytes <= whole; bytes++) {
		struct ask_watch seen = { .wanted_events = 5, .wanted_alives = 1, .wanted_failures = 1 };

		cuts = 1;
		world->scripts[0].bytes = world->scripts[1].bytes = bytes;
		watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2, .wanted_failures = 1 };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0], CREATED);
	stream_chunk(&world->scripts[0], PROGRESS EVENTS(PUT(12, "dHdv")) PROGRESS);
	world->scripts[0].close = true;
	stream_chunk(&world->scripts[1], CREATED);
	watch = stream_open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	/* Always one before the first that is wanted. */
	assert_int_equal(world->scripts[0].start_revision, 10);
	assert_true(world->scripts[0].has_leader_header && world->scripts[0].closes);
	while (world->scripts[1].streams == 0)
		ask_idle(world->ask, 5);
	assert_int_equal(world->scripts[1].start_revision, 12);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void a_watch_from_now_resumes_after_created(void **state)
{
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2, .wanted_failures = 1 };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0], CREATED);
	world->scripts[0].close = true;
	stream_chunk(&world->scripts[1], CREATED);
	watch = stream_open_watch(world, 0, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(world->scripts[0].start_revision, 0);
	assert_int_equal(world->scripts[1].start_revision, 20);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void silence_moves_it_to_another_endpoint(void **state)
{
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_alives = 4, .wanted_failures = 2 };
	struct etcd_watch *watch;

	/* The first says created and then nothing; the second not even that, once. */
	stream_chunk(&world->scripts[0], CREATED);
	watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_alives = 8 };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0], PROGRESS); /* no sign of life before created */
	stream_chunk(&world->scripts[0], CREATED);
	world->scripts[0].progress = true;
	watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_alives = 2 };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0], CREATED);
	world->scripts[0].delay_ms = 500;
	world->scripts[0].progress = true;
	watch = stream_open_watch(world, 11, &seen);
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.failures, 0);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

/* What stands behind a refusal in the same piece belongs to the stream that has ended. */
static void a_refused_token_is_fetched_again(void **state)
{
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0],
	        CREATED "{\"result\":{\"canceled\":true,\"cancel_reason\":\"etcdserver: invalid auth token\"}}" EVENTS(
	                PUT(12, "")));
	watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct ask_watch seen = { 0 };
	struct etcd_watch *watch;

	for (int i = 0; i < 2; i++) {
		stream_chunk(&world->scripts[i], CREATED);
		world->scripts[i].close = true;
	}
	watch = stream_open_watch(world, 11, &seen);
	ask_idle(world->ask, 500);
	assert_true(world->scripts[0].streams + world->scripts[1].streams < 10);
	etcd_watch_close(watch);
}

static void compaction_ends_it(void **state)
{
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	stream_chunk(&world->scripts[0], CREATED
	        "{\"result\":{\"header\":{\"cluster_id\":\"1\"},\"canceled\":true,\"compact_revision\":\"30\"}}");
	watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct etcd_watch *watch;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ask_watch seen = { .wanted_failures = 1 };

		for (int j = 0; j < 2; j++) {
			world->scripts[j].status = cases[i].status;
			world->scripts[j].refusal = cases[i].status ? cases[i].text : NULL;
			world->scripts[j].text[0] = '\0';
			stream_chunk(&world->scripts[j], cases[i].text);
		}
		watch = stream_open_watch(world, 11, &seen);
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
	struct stream_world *world = *state;
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch = stream_open_watch(world, -1, &seen);

	ask_wait_watch(world->ask, &seen);
	assert_int_equal(seen.error, SM_EINVAL);
	etcd_watch_close(watch);
}

/* ---- closing and freeing from inside ---- */

struct closer {
	struct stream_world *world;
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

static void close_inside(struct stream_world *world, bool free_client, const char *text)
{
	static const struct etcd_watch_handler handler = { close_on_events, ignore_alive, close_on_failed };
	struct closer closer = { .world = world, .free_client = free_client };

	world->scripts[0].text[0] = '\0';
	stream_chunk(&world->scripts[0], text);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stream_tear_down)
		TEST(a_stream_cut_anywhere_loses_and_repeats_nothing),
		TEST(the_resume_point_is_behind_the_last_event),
		TEST(a_watch_from_now_resumes_after_created),
		cmocka_unit_test_setup_teardown(
		        silence_moves_it_to_another_endpoint, set_up_impatient, stream_tear_down),
		TEST(it_stays_where_questions_are_answered),
		cmocka_unit_test_setup_teardown(a_late_created_is_no_silence, set_up_late, stream_tear_down),
		cmocka_unit_test_setup_teardown(a_refused_token_is_fetched_again, set_up_user, stream_tear_down),
		TEST(streams_that_end_at_once_are_spaced),
		TEST(compaction_ends_it),
		TEST(refusals_are_told_apart),
		TEST(a_bad_start_ends_it),
		TEST(it_may_be_closed_by_its_own_callbacks),
		TEST(the_client_may_be_freed_by_failed),
	};

	return cmocka_run_group_tests_name("etcd_watch_liar", tests, NULL, NULL);
}
