/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Watches on a real etcd of one member: prefixes, bursts, compaction, a restart in between, several at a time.
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
	const struct etcd_config config = { .watch_interval_ms = 100 };

	*state = ask_new(NULL, etcd_server_endpoints(server), &config);
	return 0;
}

static int free_ask(void **state)
{
	ask_free(*state);
	return 0;
}

static struct etcd_watch *open_watch(struct ask *ask, const char *prefix, int64_t start, struct ask_watch *seen)
{
	struct etcd_watch *watch = etcd_watch_open(ask->etcd, prefix, start, &ask_watch_handler, seen);

	assert_non_null(watch);
	return watch;
}

/* One transaction that puts count keys. */
static void burst(struct ask *ask, const char *prefix, int count)
{
	struct etcd_txn *txn = etcd_txn_new();
	char key[64];

	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%s%d", prefix, i);
		etcd_txn_put(txn, ETCD_THEN, key, key, strlen(key), 0);
	}
	assert_int_equal(ask_txn(ask, txn), 0);
}

static void a_prefix_sees_only_its_own(void **state)
{
	struct ask *ask = *state;
	struct ask_watch one = { .wanted_events = 2 }, ten = { .wanted_events = 1 }, all = { .wanted_events = 4 };
	struct etcd_watch *watches[3];
	int64_t start;

	assert_int_equal(ask_put(ask, "/own/before", "", 0), 0);
	start = ask->header.revision + 1;
	watches[0] = open_watch(ask, "/own/s1/", start, &one);
	watches[1] = open_watch(ask, "/own/s10/", start, &ten);
	watches[2] = open_watch(ask, "", start, &all);
	ask_put(ask, "/own/s1/a", "1", 0);
	ask_put(ask, "/own/s10/a", "2", 0);
	ask_put(ask, "/own/s1", "3", 0);
	ask_put(ask, "/own/s1/b", "4", 0);
	ask_wait_watch(ask, &one);
	ask_wait_watch(ask, &ten);
	ask_wait_watch(ask, &all);
	assert_int_equal(one.count, 2);
	assert_string_equal(one.events[1].key, "/own/s1/b");
	assert_int_equal(ten.count, 1);
	assert_int_equal(all.count, 4);
	assert_int_equal(one.failures + ten.failures + all.failures, 0);
	for (int i = 0; i < 3; i++)
		etcd_watch_close(watches[i]);
	ask_watch_done(&one);
	ask_watch_done(&ten);
	ask_watch_done(&all);
}

/* Revisions come whole: every batch ends with the last event of a transaction. */
static void bursts_come_whole(void **state)
{
	struct ask *ask = *state;
	struct ask_watch live = { .wanted_events = 12800, .wanted_alives = 1 }, late = { .wanted_events = 12800 };
	struct etcd_watch *watches[2];
	int64_t start;

	assert_int_equal(ask_put(ask, "/before", "", 0), 0);
	start = ask->header.revision + 1;
	watches[0] = open_watch(ask, "/burst/", start, &live);
	for (int i = 0; i < 100; i++)
		burst(ask, "/burst/", 128);
	watches[1] = open_watch(ask, "/burst/", start, &late);
	ask_wait_watch(ask, &live);
	ask_wait_watch(ask, &late);
	for (int i = 0; i < 12800; i++) {
		assert_int_equal(live.events[i].mod_revision, start + i / 128);
		assert_string_equal(live.events[i].key, late.events[i].key);
		assert_int_equal(live.events[i].mod_revision, late.events[i].mod_revision);
	}
	/* ask_watch counts it as disorder when a batch begins with a revision that was there before; 127 of 128 share theirs. */
	assert_true(late.batches <= live.batches);
	assert_int_equal(live.failures + late.failures, 0);
	etcd_watch_close(watches[0]);
	etcd_watch_close(watches[1]);
	ask_watch_done(&live);
	ask_watch_done(&late);
}

static void signs_of_life_come_by_themselves(void **state)
{
	struct ask *ask = *state;
	struct ask_watch seen = { .wanted_alives = 4 };
	struct etcd_watch *watch;
	int64_t revision;

	assert_int_equal(ask_put(ask, "/quiet", "", 0), 0);
	revision = ask->header.revision;
	watch = open_watch(ask, "/life/", revision + 1, &seen);
	ask_wait_watch(ask, &seen);
	assert_true(seen.header.revision >= revision);
	assert_true(seen.header.raft_term > 0);
	assert_int_equal(seen.failures, 0);
	etcd_watch_close(watch);
}

static void a_watch_goes_on_over_a_restart(void **state)
{
	struct ask *ask = *state;
	struct ask_watch seen = { .wanted_events = 1, .wanted_alives = 1 };
	struct etcd_watch *watch;

	assert_int_equal(ask_put(ask, "/restart/a", "1", 0), 0);
	watch = open_watch(ask, "/restart/", ask->header.revision, &seen);
	ask_wait_watch(ask, &seen);
	etcd_server_kill(server, 0);
	seen.wanted_failures = 1;
	ask_wait_watch(ask, &seen);
	assert_int_equal(seen.error, SM_EUNAVAILABLE);
	assert_int_equal(ask_get(ask, "/restart/a"), SM_EUNAVAILABLE);
	assert_int_equal(ask_put(ask, "/restart/a", "2", 0), SM_EUNAVAILABLE);
	assert_int_equal(etcd_server_restart(server, 0), 0);
	assert_int_equal(ask_put(ask, "/restart/a", "3", 0), 0);
	seen.wanted_events = 2;
	ask_wait_watch(ask, &seen);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.events[1].value, "3");
	etcd_watch_close(watch);
	ask_watch_done(&seen);
}

static void compact(int64_t revision)
{
	char text[128];
	long status;

	snprintf(text, sizeof(text), "{\"revision\":\"%lld\",\"physical\":true}", (long long)revision);
	free(etcd_server_post(server, 0, "/v3/kv/compaction", text, &status));
	assert_int_equal(status, 200);
}

static void a_compacted_start_ends_it(void **state)
{
	struct ask *ask = *state;
	struct ask_watch at = { .wanted_end = true }, behind = { .wanted_events = 1 };
	struct etcd_watch *watches[2];
	int64_t revision;

	for (int i = 0; i < 10; i++)
		assert_int_equal(ask_put(ask, "/compact/a", "", 0), 0);
	revision = ask->header.revision;
	compact(revision);
	/* At the compaction itself a deletion would be lost. */
	watches[0] = open_watch(ask, "/compact/", revision, &at);
	watches[1] = open_watch(ask, "/compact/", revision + 1, &behind);
	ask_wait_watch(ask, &at);
	assert_int_equal(at.error, SM_ECOMPACTED);
	assert_int_equal(at.count, 0);
	assert_int_equal(ask_put(ask, "/compact/a", "", 0), 0);
	ask_wait_watch(ask, &behind);
	assert_int_equal(behind.failures, 0);
	assert_int_equal(behind.events[0].mod_revision, revision + 1);
	etcd_watch_close(watches[0]);
	etcd_watch_close(watches[1]);
	ask_watch_done(&behind);
}

/* A watch whose prefix was quiet while the rest was compacted has nothing newer to resume from. */
static void compaction_while_away_ends_it(void **state)
{
	struct ask *ask = *state;
	struct ask_watch seen = { .wanted_alives = 1 };
	struct etcd_watch *watch;

	assert_int_equal(ask_put(ask, "/away/a", "", 0), 0);
	watch = open_watch(ask, "/away/", ask->header.revision + 1, &seen);
	ask_wait_watch(ask, &seen);
	etcd_server_freeze(server, 0);
	seen.wanted_failures = 1;
	ask_wait_watch(ask, &seen);
	assert_int_equal(seen.error, SM_EUNAVAILABLE);
	etcd_server_kill(server, 0);
	assert_int_equal(etcd_server_restart(server, 0), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask_put(ask, "/elsewhere", "", 0), 0);
	compact(ask->header.revision);
	seen.wanted_end = seen.count == 0 && seen.alives == 1;
	if (seen.wanted_end) /* else it was back before the compaction */
		ask_wait_watch(ask, &seen);
	assert_true(!seen.ended || seen.error == SM_ECOMPACTED);
	etcd_watch_close(watch);
}

static void on_keys_flood(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	bool *done = arg;

	(void)why;
	(void)header;
	(void)result;
	assert_int_equal(error, 0);
	*done = true;
}

/* Unary calls and a watch do not wait for each other. */
static void a_large_burst_does_not_starve_calls(void **state)
{
	struct ask *ask = *state;
	struct ask_watch seen = { .wanted_events = 2000 };
	struct etcd_watch *watch;
	struct etcd_txn *txn;
	char *value = calloc(1, 8192), key[64];
	bool done = false;
	int64_t start;

	memset(value, 'v', 8192);
	assert_int_equal(ask_put(ask, "/before", "", 0), 0);
	start = ask->header.revision + 1;
	for (int i = 0; i < 20; i++) {
		txn = etcd_txn_new();
		for (int j = 0; j < 100; j++) {
			snprintf(key, sizeof(key), "/flood/%d/%d", i, j);
			etcd_txn_put(txn, ETCD_THEN, key, value, 8192, 0);
		}
		assert_int_equal(ask_txn(ask, txn), 0);
	}
	watch = open_watch(ask, "/flood/", start, &seen);
	txn = etcd_txn_new();
	etcd_txn_put(txn, ETCD_THEN, "/other", "", 0, 0);
	etcd_txn_send(ask->etcd, txn, on_keys_flood, &done);
	ask_wait(ask, &done);
	ask_wait_watch(ask, &seen);
	assert_false(seen.ended);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ask, free_ask)
		TEST(a_prefix_sees_only_its_own),
		TEST(bursts_come_whole),
		TEST(signs_of_life_come_by_themselves),
		TEST(a_watch_goes_on_over_a_restart),
		TEST(a_compacted_start_ends_it),
		TEST(compaction_while_away_ends_it),
		TEST(a_large_burst_does_not_starve_calls),
	};

	return cmocka_run_group_tests_name("etcd_watch", tests, set_up, tear_down);
}
