/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Unary calls to an etcd whose answers are cut at every byte, late, or never come: what must come out is the right statement about whether
 * the request was executed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etcd_script.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_cut_answer_to_a_transaction_is_unknown(void **state)
{
	struct script_world *world = *state;
	size_t whole;

	for (int chunked = 0; chunked < 2; chunked++) {
		if (chunked)
			script_say_chunked(world, TXN_ANSWER);
		else
			script_say(world, 200, TXN_ANSWER);
		world->script.then = LIAR_CLOSE;
		/* With the last chunk's size the answer is whole; libcurl may or may not insist on the empty line behind it. */
		whole = strlen(world->script.text) - (chunked ? 4 : 0);
		for (world->script.bytes = 0; world->script.bytes < whole; world->script.bytes++) {
			world->script.requests = 0;
			if (ask_put(world->ask, "/a", "x", 0) != SM_EUNKNOWN)
				fail_msg("cut after %zu bytes: %d %s", world->script.bytes, world->ask->error,
				        world->ask->why);
			assert_int_equal(world->script.requests, 1);
			assert_string_not_equal(world->ask->why, "");
		}
		world->script.bytes = strlen(world->script.text);
		assert_int_equal(ask_put(world->ask, "/a", "x", 0), 0);
		assert_int_equal(world->ask->header.revision, 7);
		assert_true(world->ask->header.cluster_id == UINT64_MAX);
	}
}

static void a_transaction_is_not_sent_again_on_a_connection_that_broke(void **state)
{
	struct script_world *world = *state;

	script_say(world, 200, TXN_ANSWER);
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), 0);
	assert_int_equal(world->liars[0]->connections, 1);
	world->script.bytes = 0;
	world->script.then = LIAR_CLOSE;
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), SM_EUNKNOWN);
	assert_int_equal(world->script.requests, 2);
}

static void a_read_goes_on_after_a_cut_answer(void **state)
{
	struct script_world *world = *state;

	script_say(world, 200, RANGE_ANSWER);
	world->script.then = LIAR_CLOSE;
	world->script.honest_from = 2;
	for (world->script.bytes = 0; world->script.bytes < strlen(world->script.text); world->script.bytes++) {
		world->script.requests = 0;
		if (ask_get(world->ask, "/a"))
			fail_msg("cut after %zu bytes: %d %s", world->script.bytes, world->ask->error, world->ask->why);
		assert_int_equal(world->script.requests, 2);
		assert_int_equal(world->ask->count, 1);
		assert_string_equal(world->ask->kvs[0].key, "/a");
		assert_string_equal(world->ask->kvs[0].value, "bar");
	}
}

/* A read proves a session: an answer that something on the way delivers twice must not pass for the answer to the next one. */
static struct bufferevent *asker;

static void answer_first(
        struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body)
{
	(void)path;
	(void)head;
	(void)body;
	if (liar->requests > 1)
		return;
	asker = to;
	liar_answer(to, 200, RANGE_ANSWER);
}

static void an_answer_that_comes_again_answers_nothing(void **state)
{
	struct event_base *base = event_base_new();
	struct liar *liar = liar_new(base, answer_first, NULL);
	const char *endpoints[] = { liar->endpoint, NULL };
	struct ask *ask = ask_new(base, endpoints,
	        &(struct etcd_config){ .timeout_ms = 200, .connections = 1, .separate_connections = true });

	(void)state;
	assert_int_equal(ask_get(ask, "/a"), 0);
	liar_answer(asker, 200, RANGE_ANSWER);
	ask_idle(ask, 50);
	assert_int_equal(ask_get(ask, "/a"), SM_EUNAVAILABLE);
	liar_free(liar);
	ask_free(ask);
}

static void a_keepalive_goes_on_after_a_cut_answer(void **state)
{
	struct script_world *world = *state;

	script_say_chunked(world, KEEPALIVE_ANSWER);
	world->script.then = LIAR_CLOSE;
	world->script.honest_from = 2;
	for (world->script.bytes = 0; world->script.bytes < strlen(world->script.text); world->script.bytes++) {
		world->script.requests = 0;
		if (ask_keepalive(world->ask, 77))
			fail_msg("cut after %zu bytes: %d %s", world->script.bytes, world->ask->error, world->ask->why);
		assert_int_equal(world->ask->ttl_s, 5);
	}
}

static void silence_ends_in_time(void **state)
{
	struct script_world *world = *state;

	script_say(world, 200, TXN_ANSWER);
	world->script.silent = true;
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), SM_EUNKNOWN);
	assert_int_equal(world->script.requests, 1);
	assert_int_equal(ask_grant(world->ask, 5), SM_EUNKNOWN);
	world->script.requests = 0;
	assert_int_equal(ask_get(world->ask, "/a"), SM_EUNAVAILABLE);
	assert_int_equal(world->script.requests, 3);
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EUNAVAILABLE);
	assert_int_equal(ask_revoke(world->ask, 77), SM_EUNKNOWN);
	script_say(world, 200, RANGE_ANSWER);
	world->script.silent = true;
	world->script.honest_from = 2;
	assert_int_equal(ask_get(world->ask, "/a"), 0);
}

struct tally {
	size_t unavailable, unknown;
	bool done;
};

static void on_txn_tally(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct tally *tally = arg;

	(void)why;
	(void)header;
	(void)result;
	tally->unavailable += error == SM_EUNAVAILABLE;
	tally->unknown += error == SM_EUNKNOWN;
	tally->done = tally->unavailable + tally->unknown == 200;
}

static void many_calls_behind_silence_end_in_time(void **state)
{
	struct script_world *world = *state;
	struct tally tally = { 0 };
	struct etcd_txn *txn;

	script_say(world, 200, TXN_ANSWER);
	world->script.silent = true;
	for (int i = 0; i < 200; i++) {
		txn = etcd_txn_new();
		etcd_txn_put(txn, ETCD_THEN, "/a", "x", 1, 0);
		etcd_txn_send(world->ask->etcd, txn, on_txn_tally, &tally);
	}
	ask_wait(world->ask, &tally.done);
	/* Those that were never sent say so. */
	assert_int_equal(world->script.requests, tally.unknown);
	assert_true(tally.unavailable > 100);
}

static void a_long_queue_is_no_silence(void **state)
{
	struct script_world *world = *state;
	struct etcd_txn *txn;

	script_say(world, 200, TXN_ANSWER);
	world->script.delay_ms = 20;
	ask_clear(world->ask);
	for (int i = 0; i < 300; i++) { /* 4 connections: 1.5 s, more than all tries of one call may take */
		txn = etcd_txn_new();
		etcd_txn_put(txn, ETCD_THEN, "/a", "x", 1, 0);
		etcd_txn_send(world->ask->etcd, txn, ask_on_txn, world->ask);
	}
	while (world->ask->calls < 300) {
		event_base_loop(world->ask->base, EVLOOP_ONCE);
		assert_int_equal(world->ask->error, 0);
	}
}

static void a_refused_connection_is_unavailable(void **state)
{
	struct script_world *world = *state;

	script_say(world, 200, TXN_ANSWER);
	liar_stop_listening(world->liars[0]);
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), 0);
	assert_int_equal(world->script.requests, 1);
	liar_stop_listening(world->liars[1]);
	world->script.then = LIAR_CLOSE;
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), 0); /* on the open connection, which is closed after it */
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), SM_EUNAVAILABLE);
	assert_int_equal(ask_get(world->ask, "/a"), SM_EUNAVAILABLE);
	assert_int_equal(ask_revoke(world->ask, 77), SM_EUNAVAILABLE);
	assert_int_equal(world->script.requests, 2);
}

static void calls_can_be_cancelled_at_any_time(void **state)
{
	struct script_world *world = *state;
	struct etcd_call *calls[10];

	script_say(world, 200, RANGE_ANSWER);
	world->script.silent = true;
	ask_clear(world->ask);
	for (int i = 0; i < 10; i++)
		calls[i] = etcd_get(world->ask->etcd, "/a", ask_on_range, world->ask);
	etcd_cancel(calls[9]);
	etcd_cancel(calls[0]);
	ask_idle(world->ask, 50);
	etcd_cancel(calls[1]);
	etcd_cancel(calls[8]);
	ask_idle(world->ask, 500); /* now some are in their second try, or before it */
	for (int i = 2; i < 8; i++)
		etcd_cancel(calls[i]);
	assert_int_equal(world->ask->calls, 0);
	ask_idle(world->ask, 100);
	assert_int_equal(world->ask->calls, 0);
}

static void on_range_free(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct ask *ask = arg;

	ask_on_range(arg, error, why, result);
	etcd_free(ask->etcd);
	ask->etcd = NULL;
	if (result) /* still valid */
		assert_string_equal(result->kvs[0].key, "/a");
}

static void the_client_may_be_freed_by_a_callback(void **state)
{
	struct script_world *world = *state;

	script_say(world, 200, RANGE_ANSWER);
	ask_clear(world->ask);
	for (int i = 0; i < 10; i++)
		etcd_get(world->ask->etcd, "/a", on_range_free, world->ask);
	ask_wait(world->ask, &world->ask->done);
	ask_idle(world->ask, 50);
	assert_int_equal(world->ask->calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, script_set_up, script_tear_down)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, script_set_up_impatient, script_tear_down)
		TEST(a_cut_answer_to_a_transaction_is_unknown),
		TEST(a_transaction_is_not_sent_again_on_a_connection_that_broke),
		TEST(a_read_goes_on_after_a_cut_answer),
		TEST(an_answer_that_comes_again_answers_nothing),
		TEST(a_keepalive_goes_on_after_a_cut_answer),
		IMPATIENT(silence_ends_in_time),
		IMPATIENT(many_calls_behind_silence_end_in_time),
		IMPATIENT(a_long_queue_is_no_silence),
		TEST(a_refused_connection_is_unavailable),
		IMPATIENT(calls_can_be_cancelled_at_any_time),
		TEST(the_client_may_be_freed_by_a_callback),
	};

	return cmocka_run_group_tests_name("etcd_liar", tests, NULL, NULL);
}
