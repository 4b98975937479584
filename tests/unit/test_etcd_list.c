/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Lists on a real etcd: many pages at one revision while keys change, pages of large values, compaction in between.
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

#define KEYS 3000

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

static void put_many(
        struct ask *ask, const char *prefix, size_t keys, const char *value, size_t value_bytes, size_t per_txn)
{
	struct etcd_txn *txn;
	char key[64];

	for (size_t i = 0; i < keys;) {
		txn = etcd_txn_new();
		for (size_t end = i + per_txn; i < end && i < keys; i++) {
			snprintf(key, sizeof(key), "%s%05zu", prefix, i);
			etcd_txn_put(txn, ETCD_THEN, key, value, value_bytes, 0);
		}
		assert_int_equal(ask_txn(ask, txn), 0);
	}
}

/* Between two pages everything changes. */
struct churn {
	struct ask *list, *writer;
	struct etcd_call *call;
	bool compacts, cancels;
	int error;
};

static void on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count)
{
	struct churn *churn = arg;
	char text[256];

	ask_on_page(churn->list, revision, kvs, count);
	if (churn->compacts) {
		snprintf(text, sizeof(text), "{\"revision\":\"%lld\",\"physical\":true}", (long long)revision + 1);
		free(etcd_server_post(server, 0, "/v3/kv/compaction", text, NULL));
	}
	if (churn->cancels)
		etcd_cancel(churn->call);
}

static void on_list(void *arg, int error, const char *why, int64_t revision)
{
	struct churn *churn = arg;

	ask_on_list(churn->list, error, why, revision);
}

static void change_in_between(struct ask *writer)
{
	struct etcd_txn *txn = etcd_txn_new();
	char key[64];

	etcd_txn_delete_prefix(txn, ETCD_THEN, "/churn/x/");
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "/churn/y/%05d", i * 29);
		etcd_txn_put(txn, ETCD_THEN, key, "new", 3, 0);
	}
	assert_int_equal(ask_txn(writer, txn), 0);
}

static void pages_show_one_revision_while_keys_change(void **state)
{
	struct ask *ask = *state, *writer = ask_new(NULL, etcd_server_endpoints(server), NULL);
	struct churn churn = { .list = ask, .writer = writer };
	int64_t revision;

	put_many(ask, "/churn/y/", KEYS, "old", 3, 128);
	assert_int_equal(ask_put(ask, "/churn/x/a", "old", 0), 0);
	revision = ask->header.revision;
	ask_clear(ask);
	etcd_list(ask->etcd, "/churn/", 0, on_page, on_list, &churn);
	while (!ask->done) {
		size_t pages = ask->pages;

		event_base_loop(ask->base, EVLOOP_ONCE);
		if (ask->pages > pages)
			change_in_between(writer);
	}
	assert_int_equal(ask->error, 0);
	assert_int_equal(ask->revision, revision);
	assert_true(ask->pages > 1);
	assert_int_equal(ask->count, KEYS + 1);
	assert_string_equal(ask->kvs[0].key, "/churn/x/a");
	for (size_t i = 1; i < ask->count; i++) {
		assert_string_equal(ask->kvs[i].value, "old");
		assert_true(strcmp(ask->kvs[i - 1].key, ask->kvs[i].key) < 0);
		assert_true(ask->kvs[i].mod_revision <= revision);
	}
	/* And the old state can be asked for by its number. */
	assert_int_equal(ask_list(ask, "/churn/x/", revision), 0);
	assert_int_equal(ask->count, 1);
	assert_int_equal(ask->revision, revision);
	assert_int_equal(ask_list(ask, "/churn/x/", 0), 0);
	assert_int_equal(ask->count, 0);
	assert_int_equal(ask_list(ask, "/churn/x/", revision + 1000000), SM_EREFUSED);
	assert_int_equal(ask_list(ask, "/churn/x/", -1), SM_EINVAL);
	ask_free(writer);
}

static void large_values_make_short_pages(void **state)
{
	struct ask *ask = *state;
	char *value = calloc(1, 16384);

	memset(value, 'v', 16384);
	put_many(ask, "/large/", 1000, value, 16384, 64);
	assert_int_equal(ask_list(ask, "/large/", 0), 0);
	assert_int_equal(ask->count, 1000);
	assert_int_equal(ask->pages, 3); /* the first one cannot know */
	free(value);
}

static void a_page_callback_may_cancel_the_list(void **state)
{
	struct ask *ask = *state;
	struct churn churn = { .list = ask, .cancels = true };

	ask_clear(ask);
	churn.call = etcd_list(ask->etcd, "/", 0, on_page, on_list, &churn);
	while (ask->pages == 0)
		event_base_loop(ask->base, EVLOOP_ONCE);
	ask_idle(ask, 50);
	assert_int_equal(ask->pages, 1);
	assert_int_equal(ask->calls, 0);
}

static void compaction_ends_a_list(void **state)
{
	struct ask *ask = *state;
	struct churn churn = { .list = ask, .compacts = true };
	int64_t revision;

	assert_int_equal(ask_put(ask, "/z", "", 0), 0);
	revision = ask->header.revision - 1;
	ask_clear(ask);
	etcd_list(ask->etcd, "/", revision, on_page, on_list, &churn);
	ask_wait(ask, &ask->done);
	assert_int_equal(ask->error, SM_ECOMPACTED);
	assert_int_equal(ask->pages, 1);
	assert_int_equal(ask_list(ask, "/", revision), SM_ECOMPACTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ask, free_ask)
		TEST(pages_show_one_revision_while_keys_change),
		TEST(large_values_make_short_pages),
		TEST(a_page_callback_may_cancel_the_list),
		TEST(compaction_ends_a_list),
	};

	return cmocka_run_group_tests_name("etcd_list", tests, set_up, tear_down);
}
