/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Unary calls to an etcd that answers in time, but refuses or talks nonsense: what must come out is the right error.
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
	struct script_world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		script_say(world, cases[i].status, cases[i].body);
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
	struct script_world *world = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		script_say(world, 200, bodies[i]);
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
	struct script_world *world = *state;

	script_say(world, 200,
	        "{\"header\":{\"revision\":9,\"raft_term\":3},\"kvs\":[{\"key\":\"L2E=\",\"mod_revision\":8}]}");
	assert_int_equal(ask_get(world->ask, "/a"), 0);
	assert_int_equal(world->ask->header.revision, 9);
	assert_int_equal(world->ask->kvs[0].mod_revision, 8);
	assert_string_equal(world->ask->kvs[0].value, "");
}

static void a_keepalive_without_ttl_says_gone(void **state)
{
	struct script_world *world = *state;

	script_say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"77\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_ENOENT);
	script_say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"-1\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_ENOENT);
	script_say_chunked(world, "{\"result\":{" HEADER ",\"ID\":\"78\",\"TTL\":\"5\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EPROTO);
	script_say_chunked(
	        world, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}");
	assert_int_equal(ask_keepalive(world->ask, 77), SM_EUNAVAILABLE);
	script_say(world, 200, GRANT_ANSWER);
	assert_int_equal(ask_grant(world->ask, 5), 0);
	assert_int_equal(world->ask->lease, 77);
	script_say(world, 200, "{" HEADER ",\"ID\":\"77\"}");
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
	struct script_world *world = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		script_say(world, 200, bodies[i]);
		assert_int_equal(ask_list(world->ask, "/", 0), SM_EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, script_set_up, script_tear_down)
		TEST(refusals_are_told_apart),
		TEST(nonsense_is_no_answer),
		TEST(numbers_may_come_unquoted),
		TEST(a_keepalive_without_ttl_says_gone),
		TEST(pages_that_do_not_follow_are_no_list),
	};

	return cmocka_run_group_tests_name("etcd_answers", tests, NULL, NULL);
}
