/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Unary calls to an etcd that lies: answers cut at every byte, wrong types, late or never, refusals of every kind. What must come out is the
 * right statement about whether the request was executed.
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

#define HEADER                                                                                                         \
	"\"header\":{\"cluster_id\":\"18446744073709551615\",\"member_id\":\"2\",\"revision\":\"7\",\"raft_term\":"    \
	"\"3\"}"
#define TXN_ANSWER                                                                                                     \
	"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"7\"}}}]}"
#define RANGE_ANSWER                                                                                                   \
	"{" HEADER ",\"kvs\":[{\"key\":\"L2E=\",\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\","   \
	"\"value\":\"YmFy\"}],\"count\":\"1\"}"
#define KEEPALIVE_ANSWER "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}}\n"

#define GRANT_ANSWER "{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}"

/* What the two liars are told to say, together. */
struct script {
	char text[4096]; /* a whole HTTP answer */
	size_t bytes;    /* so many of them are said */
	enum liar_then then;
	bool silent;
	size_t requests;    /* counted */
	size_t honest_from; /* from this request on the whole text is said; 0 = never */
};

struct world {
	struct ask *ask;
	struct liar *liars[2];
	struct script script;
};

static void on_request(struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body)
{
	struct script *script = liar->arg;
	bool honest = ++script->requests >= script->honest_from && script->honest_from;

	(void)path;
	(void)head;
	(void)body;
	if (honest)
		liar_say(to, script->text, strlen(script->text), LIAR_KEEP);
	else if (!script->silent)
		liar_say(to, script->text, script->bytes, script->then);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *endpoints[] = { NULL, NULL, NULL };
	struct etcd_config config = { .timeout_ms = 300 };
	struct event_base *base = event_base_new();

	for (int i = 0; i < 2; i++) {
		world->liars[i] = liar_new(base, on_request, &world->script);
		endpoints[i] = world->liars[i]->endpoint;
	}
	world->ask = ask_new(base, endpoints, &config);
	*state = world;
	return 0;
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

static void say(struct world *world, int status, const char *body)
{
	int bytes = snprintf(world->script.text, sizeof(world->script.text),
	        "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
	        strlen(body), body);

	world->script.bytes = (size_t)bytes;
	world->script.then = LIAR_KEEP;
	world->script.requests = 0;
	world->script.honest_from = 0;
	world->script.silent = false;
}

static void say_chunked(struct world *world, const char *body)
{
	say(world, 200, "");
	world->script.bytes = (size_t)snprintf(world->script.text, sizeof(world->script.text),
	        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
	        "chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
	        strlen(body), body);
}

static void a_cut_answer_to_a_transaction_is_unknown(void **state)
{
	struct world *world = *state;
	size_t whole;

	for (int chunked = 0; chunked < 2; chunked++) {
		if (chunked)
			say_chunked(world, TXN_ANSWER);
		else
			say(world, 200, TXN_ANSWER);
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
	struct world *world = *state;

	say(world, 200, TXN_ANSWER);
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), 0);
	assert_int_equal(world->liars[0]->connections, 1);
	world->script.bytes = 0;
	world->script.then = LIAR_CLOSE;
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), SM_EUNKNOWN);
	assert_int_equal(world->script.requests, 2);
}

static void a_read_goes_on_after_a_cut_answer(void **state)
{
	struct world *world = *state;

	say(world, 200, RANGE_ANSWER);
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

static void a_keepalive_goes_on_after_a_cut_answer(void **state)
{
	struct world *world = *state;

	say_chunked(world, KEEPALIVE_ANSWER);
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
	struct world *world = *state;

	say(world, 200, TXN_ANSWER);
	world->script.silent = true;
	assert_int_equal(ask_put(world->ask, "/a", "x", 0), SM_EUNKNOWN);
	assert_int_equal(world->script.requests, 1);
	assert_int_equal(ask_grant(world->ask, 5), SM_EUNKNOWN);
	world->script.requests = 0;
	assert_int_equal(ask_get(world->ask, "/a"), SM_EUNAVAILABLE);
	assert_int_equal(world->script.requests, 3);
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EUNAVAILABLE);
	assert_int_equal(ask_revoke(world->ask, 77), SM_EUNKNOWN);
	say(world, 200, RANGE_ANSWER);
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
	struct world *world = *state;
	struct tally tally = { 0 };
	struct etcd_txn *txn;

	say(world, 200, TXN_ANSWER);
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

static void a_refused_connection_is_unavailable(void **state)
{
	struct world *world = *state;

	say(world, 200, TXN_ANSWER);
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

static void refusals_are_told_apart(void **state)
{
	static const struct {
		int status;
		const char *body;
		int txn, get;
	} cases[] = {
		{ 400, "{\"error\":\"etcdserver: too many operations in txn request\",\"code\":3}", SM_EREFUSED,
		        SM_EREFUSED },
		{ 400, "{\"code\":11,\"message\":\"etcdserver: mvcc: required revision has been compacted\"}",
		        SM_ECOMPACTED, SM_ECOMPACTED },
		{ 400, "{\"code\":11,\"message\":\"etcdserver: mvcc: required revision is a future revision\"}",
		        SM_EREFUSED, SM_EREFUSED },
		{ 403, "{\"error\":\"etcdserver: permission denied\",\"code\":7}", SM_EREFUSED, SM_EREFUSED },
		{ 404, "{\"error\":\"etcdserver: requested lease not found\",\"code\":5}", SM_ENOENT, SM_ENOENT },
		{ 404, "404 page not found\n", SM_EREFUSED, SM_EREFUSED },
		{ 401, "{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", SM_EREFUSED, SM_EREFUSED },
		{ 429, "{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}", SM_EREFUSED,
		        SM_EREFUSED },
		{ 429, "{\"error\":\"grpc: received message larger than max (3 vs. 2)\",\"code\":8}", SM_EREFUSED,
		        SM_EREFUSED },
		{ 429, "{\"error\":\"etcdserver: too many requests\",\"code\":8}", SM_EUNAVAILABLE, SM_EUNAVAILABLE },
		{ 500, "{\"error\":\"context deadline exceeded\",\"code\":2}", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 504, "{\"code\":4,\"message\":\"context deadline exceeded\"}", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 503, "{\"error\":\"etcdserver: request timed out\",\"code\":14}", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 503, "{\"error\":\"etcdserver: no leader\",\"code\":14}", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 503, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}",
		        SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 502, "<html>bad gateway</html>", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 500, "", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 302, "", SM_EUNKNOWN, SM_EUNAVAILABLE },
		{ 400, "{\"code\":\"3\",\"message\":7}", SM_EREFUSED, SM_EREFUSED },
		{ 200, "{\"error\":\"etcdserver: permission denied\",\"code\":7}", SM_EREFUSED, SM_EREFUSED },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(world, cases[i].status, cases[i].body);
		if (ask_put(world->ask, "/a", "x", 0) != cases[i].txn)
			fail_msg("txn, %d %s: %d %s", cases[i].status, cases[i].body, world->ask->error,
			        world->ask->why);
		if (ask_get(world->ask, "/a") != cases[i].get)
			fail_msg("get, %d %s: %d %s", cases[i].status, cases[i].body, world->ask->error,
			        world->ask->why);
	}
}

static void nonsense_is_no_answer(void **state)
{
	static const char *const bodies[] = { "", "[]", "null", "7", "{}", "{\"header\":{}}",
		"{\"header\":{\"revision\":\"0\"}}", "{\"header\":{\"revision\":\"-7\"},\"succeeded\":true}",
		"{\"header\":{\"revision\":\"9223372036854775808\"}}", "{\"header\":{\"revision\":\" 7\"}}",
		"{\"header\":{\"revision\":\"7x\"}}", "{\"header\":{\"revision\":\"\"}}",
		"{\"header\":{\"revision\":7.5}}", "{\"header\":{\"revision\":true}}", "{\"header\":\"7\"}",
		"{\"header\":{\"revision\":\"7\",\"raft_term\":\"-1\"}}",
		"{\"header\":{\"revision\":\"7\",\"member_id\":\"18446744073709551616\"}}",
		"{" HEADER ",\"succeeded\":\"true\",\"kvs\":{}}",
		"{" HEADER ",\"succeeded\":true,\"responses\":{},\"kvs\":\"\"}",
		"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{}}],\"kvs\":[7]}",
		"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":[]}],\"kvs\":[{}]}",
		"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{}},{\"response_put\":{}}],\"kvs\":[{"
		"\"key\":\"L2E\"}]}",
		"{" HEADER ",\"responses\":[{\"response_put\":{}}],\"kvs\":[{\"key\":\"L2E=\"}]}",
		"{" HEADER ",\"succeeded\":true,\"kvs\":[{\"key\":\"L2E=\",\"mod_revision\":\"3\",\"value\":7}]}" };
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		say(world, 200, bodies[i]);
		if (ask_put(world->ask, "/a", "x", 0) != SM_EUNKNOWN)
			fail_msg("txn, %s: %d %s", bodies[i], world->ask->error, world->ask->why);
		if (ask_get(world->ask, "/a") != SM_EPROTO)
			fail_msg("get, %s: %d %s", bodies[i], world->ask->error, world->ask->why);
		if (ask_keepalive(world->ask, 77) != SM_EPROTO)
			fail_msg("keepalive, %s: %d %s", bodies[i], world->ask->error, world->ask->why);
	}
}

static void numbers_may_come_unquoted(void **state)
{
	struct world *world = *state;

	say(world, 200,
	        "{\"header\":{\"revision\":9,\"raft_term\":3},\"kvs\":[{\"key\":\"L2E=\",\"mod_revision\":8}]}");
	assert_int_equal(ask_get(world->ask, "/a"), 0);
	assert_int_equal(world->ask->header.revision, 9);
	assert_int_equal(world->ask->kvs[0].mod_revision, 8);
	assert_string_equal(world->ask->kvs[0].value, "");
}

static void a_keepalive_without_ttl_says_gone(void **state)
{
	struct world *world = *state;

	say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"77\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_ENOENT);
	say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"-1\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_ENOENT);
	say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"78\",\"TTL\":\"5\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EPROTO);
	say_chunked(world, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EUNAVAILABLE);
	say(world, 200, GRANT_ANSWER);
	assert_int_equal(ask_grant(world->ask, 5), 0);
	assert_int_equal(world->ask->lease, 77);
	say(world, 200, "{" HEADER ",\"ID\":\"77\"}");
	assert_int_equal(ask_grant(world->ask, 5), SM_EUNKNOWN);
}

static void pages_that_do_not_follow_are_no_list(void **state)
{
	static const char *const bodies[] = {
		"{" HEADER ",\"more\":true}",
		"{" HEADER
		",\"more\":true,\"kvs\":[{\"key\":\"L2E=\",\"mod_revision\":\"3\"}]}", /* the same page for ever */
		"{" HEADER
		",\"kvs\":[{\"key\":\"L2I=\",\"mod_revision\":\"3\"},{\"key\":\"L2E=\",\"mod_revision\":\"3\"}]}",
		"{" HEADER ",\"kvs\":[{\"key\":\"eA==\",\"mod_revision\":\"3\"}]}", /* outside of the prefix */
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		say(world, 200, bodies[i]);
		assert_int_equal(ask_list(world->ask, "/", 0), SM_EPROTO);
	}
}

static void calls_can_be_cancelled_at_any_time(void **state)
{
	struct world *world = *state;
	struct etcd_call *calls[10];

	say(world, 200, RANGE_ANSWER);
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
	struct world *world = *state;

	say(world, 200, RANGE_ANSWER);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_cut_answer_to_a_transaction_is_unknown),
		TEST(a_transaction_is_not_sent_again_on_a_connection_that_broke),
		TEST(a_read_goes_on_after_a_cut_answer),
		TEST(a_keepalive_goes_on_after_a_cut_answer),
		TEST(silence_ends_in_time),
		TEST(many_calls_behind_silence_end_in_time),
		TEST(a_refused_connection_is_unavailable),
		TEST(refusals_are_told_apart),
		TEST(nonsense_is_no_answer),
		TEST(numbers_may_come_unquoted),
		TEST(a_keepalive_without_ttl_says_gone),
		TEST(pages_that_do_not_follow_are_no_list),
		TEST(calls_can_be_cancelled_at_any_time),
		TEST(the_client_may_be_freed_by_a_callback),
	};

	return cmocka_run_group_tests_name("etcd_liar", tests, NULL, NULL);
}
