/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The etcd client against one real member: every call once, with its good and its bad input.
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

static int set_up(void **state)
{
	const struct etcd_server_options options = { .unix_socket = 1 };

	(void)state;
	server = etcd_server_start(&options);
	return server ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	etcd_server_stop(server);
	return 0;
}

static int new_ask(void **state)
{
	*state = ask_new(NULL, etcd_server_endpoints(server), NULL);
	return 0;
}

static int free_ask(void **state)
{
	ask_free(*state);
	return 0;
}

static void gets_what_was_put(void **state)
{
	struct ask *ask = *state;
	int64_t revision;

	assert_int_equal(ask_get(ask, "/get/a"), 0);
	assert_int_equal(ask->count, 0);
	assert_true(ask->header.revision > 0 && ask->header.raft_term > 0 && ask->header.cluster_id > 0);
	assert_int_equal(ask_put(ask, "/get/a", "one", 0), 0);
	assert_true(ask->succeeded);
	revision = ask->header.revision;
	assert_int_equal(ask_put(ask, "/get/a", "", 0), 0);
	assert_int_equal(ask_get(ask, "/get/a"), 0);
	assert_int_equal(ask->count, 1);
	assert_string_equal(ask->kvs[0].key, "/get/a");
	assert_string_equal(ask->kvs[0].value, "");
	assert_int_equal(ask->kvs[0].create_revision, revision);
	assert_int_equal(ask->kvs[0].mod_revision, revision + 1);
	assert_int_equal(ask->kvs[0].version, 2);
	assert_int_equal(ask->kvs[0].lease, 0);
}

static void lists_a_prefix_only(void **state)
{
	struct ask *ask = *state;

	ask_put(ask, "/list/s1/a", "1", 0);
	ask_put(ask, "/list/s1/b", "2", 0);
	ask_put(ask, "/list/s10/a", "3", 0);
	ask_put(ask, "/list/s1", "4", 0);
	assert_int_equal(ask_list(ask, "/list/s1/", 0), 0);
	assert_int_equal(ask->count, 2);
	assert_string_equal(ask->kvs[0].key, "/list/s1/a");
	assert_string_equal(ask->kvs[1].key, "/list/s1/b");
	assert_int_equal(ask_list(ask, "/none/", 0), 0);
	assert_int_equal(ask->count, 0);
	assert_int_equal(ask->pages, 0);
	assert_true(ask->revision > 0);
	assert_int_equal(ask_list(ask, "", 0), 0);
	assert_true(ask->count >= 4);
}

static void leases_live_and_die(void **state)
{
	struct ask *ask = *state;
	int64_t lease;

	assert_int_equal(ask_grant(ask, 60), 0);
	assert_int_equal(ask->ttl_s, 60);
	lease = ask->lease;
	assert_true(lease != 0);
	assert_int_equal(ask_put(ask, "/lease/a", "x", lease), 0);
	assert_int_equal(ask_get(ask, "/lease/a"), 0);
	assert_int_equal(ask->kvs[0].lease, lease);
	assert_int_equal(ask_keepalive(ask, lease), 0);
	assert_int_equal(ask->ttl_s, 60);
	assert_int_equal(ask_revoke(ask, lease), 0);
	assert_int_equal(ask_get(ask, "/lease/a"), 0);
	assert_int_equal(ask->count, 0);
	assert_int_equal(ask_keepalive(ask, lease), SM_ENOENT);
	assert_int_equal(ask_revoke(ask, lease), 0);
	assert_int_equal(ask_put(ask, "/lease/a", "x", lease), SM_ENOENT);
	assert_int_equal(ask_get(ask, "/lease/a"), 0);
	assert_int_equal(ask->count, 0);
}

static void watches_from_a_revision(void **state)
{
	struct ask *ask = *state;
	struct ask_watch seen = { .wanted_events = 3, .wanted_alives = 1 };
	struct etcd_watch *watch;

	ask_put(ask, "/watch/a", "1", 0);
	watch = etcd_watch_open(ask->etcd, "/watch/", ask->header.revision, &ask_watch_handler, &seen);
	ask_put(ask, "/watchless", "no", 0);
	ask_put(ask, "/watch/a", "2", 0);
	ask_delete(ask, "/watch/a");
	ask_wait_watch(ask, &seen);
	assert_string_equal(seen.events[0].value, "1");
	assert_string_equal(seen.events[1].value, "2");
	assert_int_equal(seen.events[2].version, -1);
	assert_int_equal(seen.count, 3);
	assert_false(seen.disordered);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gets_what_was_put, new_ask, free_ask),
		cmocka_unit_test_setup_teardown(lists_a_prefix_only, new_ask, free_ask),
		cmocka_unit_test_setup_teardown(leases_live_and_die, new_ask, free_ask),
		cmocka_unit_test_setup_teardown(watches_from_a_revision, new_ask, free_ask),
	};

	return cmocka_run_group_tests_name("etcd", tests, set_up, tear_down);
}
