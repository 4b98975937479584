/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * User and password on a real etcd: tokens that are refused are fetched again, wrong passwords and missing permissions are said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../etcd_server.h"
#include "etcd_ask.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct etcd_server *server;
static struct ask *ask;

static void post(const char *path, const char *json)
{
	long status;
	char *body = etcd_server_post(server, 0, path, json, &status);

	if (status != 200)
		fail_msg("%s %s: %ld %s", path, json, status, body ? body : "");
	free(body);
}

static const struct etcd_config as_user = { .username = "u\"ser", .password = "p\\ass" };

/* u"ser may read and write below /mine/. */
static int set_up(void **state)
{
	const struct etcd_server_options options = { .unix_socket = 1 };

	(void)state;
	server = etcd_server_start(&options);
	if (!server)
		return -1;
	post("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"r\"}");
	post("/v3/auth/role/add", "{\"name\":\"root\"}");
	post("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
	post("/v3/auth/user/add", "{\"name\":\"u\\\"ser\",\"password\":\"p\\\\ass\"}");
	post("/v3/auth/role/add", "{\"name\":\"mine\"}");
	/* /mine/ to /mine0 */
	post("/v3/auth/role/grant", "{\"name\":\"mine\",\"perm\":{\"permType\":\"READWRITE\",\"key\":\"L21pbmUv\","
	                            "\"range_end\":\"L21pbmUw\"}}");
	post("/v3/auth/user/grant", "{\"user\":\"u\\\"ser\",\"role\":\"mine\"}");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	etcd_server_stop(server);
	return 0;
}

static void switch_on(void)
{
	post("/v3/auth/enable", "{}");
}

static void switch_off(void)
{
	etcd_server_authenticate(server, "root", "r");
	post("/v3/auth/disable", "{}");
	etcd_server_authenticate(server, NULL, NULL);
}

static int free_ask(void **state)
{
	(void)state;
	ask_free(ask);
	ask = NULL;
	switch_off();
	return 0;
}

static void become(const char *username, const char *password)
{
	const struct etcd_config config = { .username = username, .password = password };

	ask = ask_new(NULL, etcd_server_endpoints(server), &config);
}

static void the_right_password_works(void **state)
{
	struct ask_watch seen = { .wanted_events = 1, .wanted_alives = 1 };
	struct etcd_watch *watch;
	int64_t lease;

	(void)state;
	switch_on();
	become(as_user.username, as_user.password);
	assert_int_equal(ask_put(ask, "/mine/a", "1", 0), 0);
	assert_int_equal(ask_list(ask, "/mine/", 0), 0);
	assert_int_equal(ask->count, 1);
	assert_int_equal(ask_grant(ask, 60), 0);
	lease = ask->lease;
	assert_int_equal(ask_put(ask, "/mine/b", "1", lease), 0);
	watch = etcd_watch_open(ask->etcd, "/mine/", ask->header.revision, &ask_watch_handler, &seen);
	ask_wait_watch(ask, &seen);
	assert_int_equal(ask_keepalive(ask, lease), 0);
	assert_int_equal(ask_revoke(ask, lease), 0);
	assert_int_equal(ask_get(ask, "/other"), SM_EREFUSED);
	assert_int_equal(ask_put(ask, "/other", "", 0), SM_EREFUSED);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void a_watch_without_permission_is_refused(void **state)
{
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	(void)state;
	switch_on();
	become(as_user.username, as_user.password);
	watch = etcd_watch_open(ask->etcd, "/other/", 1, &ask_watch_handler, &seen);
	ask_wait_watch(ask, &seen);
	assert_int_equal(seen.error, SM_EREFUSED);
	etcd_watch_close(watch);
}

static void a_wrong_password_is_refused(void **state)
{
	struct ask_watch seen = { .wanted_end = true };
	struct etcd_watch *watch;

	(void)state;
	switch_on();
	become(as_user.username, "wrong");
	assert_int_equal(ask_get(ask, "/mine/a"), SM_EREFUSED);
	assert_int_equal(ask_put(ask, "/mine/a", "", 0), SM_EREFUSED);
	watch = etcd_watch_open(ask->etcd, "/mine/", 1, &ask_watch_handler, &seen);
	ask_wait_watch(ask, &seen);
	assert_int_equal(seen.error, SM_EREFUSED);
	etcd_watch_close(watch);
}

static void no_password_is_refused(void **state)
{
	(void)state;
	switch_on();
	become(NULL, NULL);
	assert_int_equal(ask_get(ask, "/mine/a"), SM_EREFUSED);
	assert_int_equal(ask_put(ask, "/mine/a", "", 0), SM_EREFUSED);
}

static void a_token_that_has_ended_is_fetched_again(void **state)
{
	struct ask_watch seen = { .wanted_events = 1, .wanted_alives = 1 };
	struct etcd_watch *watch;

	(void)state;
	switch_on();
	become(as_user.username, as_user.password);
	assert_int_equal(ask_put(ask, "/mine/a", "1", 0), 0);
	for (int i = 0; i < 3; i++) { /* all tokens end when authentication is switched off */
		switch_off();
		switch_on();
		if (i % 2 == 0)
			assert_int_equal(ask_put(ask, "/mine/a", "2", 0), 0);
		else
			assert_int_equal(ask_get(ask, "/mine/a"), 0);
	}
	switch_off();
	switch_on();
	watch = etcd_watch_open(ask->etcd, "/mine/", 1, &ask_watch_handler, &seen);
	ask_wait_watch(ask, &seen);
	assert_false(seen.ended);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void it_may_be_switched_on_later(void **state)
{
	struct etcd_txn *txn;

	(void)state;
	become(as_user.username, as_user.password);
	assert_int_equal(ask_put(ask, "/mine/a", "1", 0), 0);
	assert_int_equal(ask_put(ask, "/other", "1", 0), 0);
	switch_on();
	ask_clear(ask);
	for (int i = 0; i < 20; i++) { /* many at a time with a token that is no good */
		txn = etcd_txn_new();
		etcd_txn_put(txn, ETCD_THEN, "/mine/a", "2", 1, 0);
		etcd_txn_send(ask->etcd, txn, ask_on_txn, ask);
	}
	while (ask->calls < 20) {
		event_base_loop(ask->base, EVLOOP_ONCE);
		assert_int_equal(ask->error, 0);
	}
	assert_int_equal(ask_put(ask, "/other", "1", 0), SM_EREFUSED);
}

static void nobody_answers_while_etcd_is_away(void **state)
{
	(void)state;
	switch_on();
	become(as_user.username, as_user.password);
	etcd_server_kill(server, 0);
	assert_int_equal(ask_put(ask, "/mine/a", "1", 0), SM_EUNAVAILABLE);
	assert_int_equal(ask_get(ask, "/mine/a"), SM_EUNAVAILABLE);
	assert_int_equal(etcd_server_restart(server, 0), 0);
	assert_int_equal(ask_put(ask, "/mine/a", "1", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, free_ask)
		TEST(the_right_password_works),
		TEST(a_watch_without_permission_is_refused),
		TEST(a_wrong_password_is_refused),
		TEST(no_password_is_refused),
		TEST(a_token_that_has_ended_is_fetched_again),
		TEST(it_may_be_switched_on_later),
		TEST(nobody_answers_while_etcd_is_away),
	};

	return cmocka_run_group_tests_name("etcd_auth", tests, set_up, tear_down);
}
