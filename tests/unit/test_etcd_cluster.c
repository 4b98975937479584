/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Three real members that die, hang and come back: what was answered holds, what is unknown says so, and a watch loses nothing.
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

struct world {
	struct etcd_server *server;
	struct ask *ask;
};

static int set_up(void **state)
{
	const struct etcd_server_options options = { .members = 3 };
	const struct etcd_config config = { .timeout_ms = 1000, .watch_interval_ms = 100, .watch_patience_ms = 400 };
	struct world *world = calloc(1, sizeof(*world));

	world->server = etcd_server_start(&options);
	if (!world->server)
		return -1;
	world->ask = ask_new(NULL, etcd_server_endpoints(world->server), &config);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	ask_free(world->ask);
	etcd_server_stop(world->server);
	free(world);
	return 0;
}

static int leader(struct world *world)
{
	int found;

	do
		for (size_t i = 0; (found = etcd_server_leader(world->server, i)) < 0 && i + 1 < 3; i++)
			;
	while (found < 0);
	return found;
}

/* Puts the next number until it is certain: every put compares and changes the same key, so an unknown one is settled by reading. */
static int64_t put_number(struct world *world, int number, size_t *unknown)
{
	struct ask *ask = world->ask;
	char value[32];
	int64_t modified;
	struct etcd_txn *txn;

	snprintf(value, sizeof(value), "%d", number);
	for (;;) {
		while (ask_get(ask, "/n/number"))
			assert_int_equal(ask->error, SM_EUNAVAILABLE);
		if (ask->count == 1 && strcmp(ask->kvs[0].value, value) == 0)
			return ask->kvs[0].mod_revision;
		modified = ask->count ? ask->kvs[0].mod_revision : 0;
		txn = etcd_txn_new();
		etcd_txn_if_mod_revision(txn, "/n/number", modified);
		etcd_txn_put(txn, ETCD_THEN, "/n/number", value, strlen(value), 0);
		if (ask_txn(ask, txn) == 0 && ask->succeeded)
			return ask->header.revision;
		assert_true(ask->error == 0 || ask->error == SM_EUNKNOWN || ask->error == SM_EUNAVAILABLE);
		*unknown += ask->error == SM_EUNKNOWN;
	}
}

static void check_numbers(const struct ask_watch *seen, int count)
{
	char value[32];

	assert_int_equal(seen->count, count);
	assert_false(seen->disordered);
	assert_false(seen->ended);
	for (int i = 0; i < count; i++) {
		snprintf(value, sizeof(value), "%d", i);
		assert_string_equal(seen->events[i].value, value);
	}
}

/* Each round one member goes away, numbers are put, and it comes back. */
static void go_through(struct world *world, void (*away)(struct etcd_server *, size_t), bool frozen)
{
	struct ask_watch seen = { 0 };
	struct etcd_watch *watch = etcd_watch_open(world->ask->etcd, "/n/", 1, &ask_watch_handler, &seen);
	size_t unknown = 0, member;
	int number = 0;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 5; i++)
			put_number(world, number++, &unknown);
		member = round % 2 ? (size_t)leader(world) : (size_t)round;
		away(world->server, member);
		for (int i = 0; i < 10; i++)
			put_number(world, number++, &unknown);
		if (frozen)
			etcd_server_thaw(world->server, member);
		else
			assert_int_equal(etcd_server_restart(world->server, member), 0);
	}
	seen.wanted_events = (size_t)number;
	ask_wait_watch(world->ask, &seen);
	check_numbers(&seen, number);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void nothing_is_lost_when_members_are_killed(void **state)
{
	go_through(*state, etcd_server_kill, false);
}

static void nothing_is_lost_when_members_stop_cleanly(void **state)
{
	go_through(*state, etcd_server_terminate, false);
}

static void nothing_is_lost_when_members_hang(void **state)
{
	go_through(*state, etcd_server_freeze, true);
}

static void without_a_majority_nothing_is_promised(void **state)
{
	struct world *world = *state;
	struct ask_watch seen = { .wanted_alives = 1 };
	struct etcd_watch *watch = etcd_watch_open(world->ask->etcd, "/", 1, &ask_watch_handler, &seen);

	assert_int_equal(ask_put(world->ask, "/a", "1", 0), 0);
	ask_wait_watch(world->ask, &seen);
	etcd_server_kill(world->server, 0);
	etcd_server_kill(world->server, 1);
	assert_int_equal(ask_get(world->ask, "/a"), SM_EUNAVAILABLE);
	assert_true(ask_put(world->ask, "/a", "2", 0) == SM_EUNKNOWN || world->ask->error == SM_EUNAVAILABLE);
	seen.wanted_failures = seen.failures + 1;
	ask_wait_watch(world->ask, &seen);
	assert_int_equal(etcd_server_restart(world->server, 0), 0);
	while (ask_put(world->ask, "/b", "3", 0))
		assert_true(world->ask->error == SM_EUNKNOWN || world->ask->error == SM_EUNAVAILABLE);
	seen.wanted_alives = seen.alives + 1;
	seen.wanted_events = 2;
	ask_wait_watch(world->ask, &seen);
	assert_false(seen.ended);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void a_lease_lives_on_while_one_member_is_away(void **state)
{
	struct world *world = *state;
	int64_t lease;

	assert_int_equal(ask_grant(world->ask, 60), 0);
	lease = world->ask->lease;
	assert_int_equal(ask_put(world->ask, "/lease", "", lease), 0);
	etcd_server_freeze(world->server, 0);
	while (ask_keepalive(world->ask, lease))
		assert_int_equal(world->ask->error, SM_EUNAVAILABLE);
	assert_int_equal(world->ask->lease, lease);
	assert_true(world->ask->ttl_s > 0);
	while (ask_get(world->ask, "/lease"))
		assert_int_equal(world->ask->error, SM_EUNAVAILABLE);
	assert_int_equal(world->ask->count, 1);
	etcd_server_thaw(world->server, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(nothing_is_lost_when_members_are_killed),
		TEST(nothing_is_lost_when_members_stop_cleanly),
		TEST(nothing_is_lost_when_members_hang),
		TEST(without_a_majority_nothing_is_promised),
		TEST(a_lease_lives_on_while_one_member_is_away),
	};

	return cmocka_run_group_tests_name("etcd_cluster", tests, NULL, NULL);
}
