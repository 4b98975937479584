/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Transactions on a real etcd: what each compare holds for, nesting up to the limits, and the limits themselves.
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

enum compare { CREATE, MOD, VALUE, NONE, NONE_CREATED_AT };

static bool holds(struct ask *ask, enum compare compare, const char *key, int64_t revision, const char *value)
{
	struct etcd_txn *txn = etcd_txn_new();

	switch (compare) {
	case CREATE:
		etcd_txn_if_create_revision(txn, key, revision);
		break;
	case MOD:
		etcd_txn_if_mod_revision(txn, key, revision);
		break;
	case VALUE:
		etcd_txn_if_value(txn, key, value);
		break;
	case NONE:
		etcd_txn_if_none(txn, key);
		break;
	case NONE_CREATED_AT:
		etcd_txn_if_none_created_at(txn, key, revision);
		break;
	}
	assert_int_equal(ask_txn(ask, txn), 0);
	return ask->succeeded;
}

static void compares_hold_when_they_should(void **state)
{
	struct ask *ask = *state;
	int64_t created, modified;

	assert_int_equal(ask_put(ask, "/if/a/x", "one", 0), 0);
	created = ask->header.revision;
	assert_int_equal(ask_put(ask, "/if/a/x", "two", 0), 0);
	modified = ask->header.revision;

	assert_true(holds(ask, CREATE, "/if/a/x", created, NULL));
	assert_false(holds(ask, CREATE, "/if/a/x", modified, NULL));
	assert_false(holds(ask, CREATE, "/if/a/x", 0, NULL));
	assert_true(holds(ask, CREATE, "/if/none", 0, NULL));
	assert_false(holds(ask, CREATE, "/if/none", 5, NULL));
	assert_true(holds(ask, MOD, "/if/a/x", modified, NULL));
	assert_false(holds(ask, MOD, "/if/a/x", created, NULL));
	assert_true(holds(ask, MOD, "/if/none", 0, NULL));
	assert_true(holds(ask, VALUE, "/if/a/x", 0, "two"));
	assert_false(holds(ask, VALUE, "/if/a/x", 0, "one"));
	assert_false(holds(ask, VALUE, "/if/none", 0, ""));
	assert_true(holds(ask, NONE, "/if/b/", 0, NULL));
	assert_false(holds(ask, NONE, "/if/a/", 0, NULL));
	assert_true(holds(ask, NONE_CREATED_AT, "/if/a/", modified, NULL));
	assert_false(holds(ask, NONE_CREATED_AT, "/if/a/", created, NULL));
	assert_true(holds(ask, NONE_CREATED_AT, "/if/b/", created, NULL));
	assert_int_equal(ask_put(ask, "/if/a/y", "", 0), 0);
	assert_true(holds(ask, NONE_CREATED_AT, "/if/a/", modified, NULL));
	assert_false(holds(ask, NONE_CREATED_AT, "/if/a/", ask->header.revision, NULL));
}

static void the_branch_that_is_taken_answers(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *txn = etcd_txn_new();

	assert_int_equal(ask_put(ask, "/branch/a", "1", 0), 0);
	etcd_txn_if_create_revision(txn, "/branch/a", 0);
	etcd_txn_put(txn, ETCD_THEN, "/branch/a", "2", 1, 0);
	etcd_txn_get(txn, ETCD_ELSE, "/branch/a");
	etcd_txn_get(txn, ETCD_ELSE, "/branch/none");
	assert_int_equal(ask_txn(ask, txn), 0);
	assert_false(ask->succeeded);
	assert_int_equal(ask->op_count, 2);
	assert_int_equal(ask->ops[0].kv_count, 1);
	assert_int_equal(ask->ops[1].kv_count, 0);
	assert_string_equal(ask->kvs[0].value, "1");
}

static void deletes_stay_in_their_directory(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *txn = etcd_txn_new();

	ask_put(ask, "/del/s1/a", "", 0);
	ask_put(ask, "/del/s1/b", "", 0);
	ask_put(ask, "/del/s10/a", "", 0);
	ask_put(ask, "/del/s1", "", 0);
	etcd_txn_delete_prefix(txn, ETCD_THEN, "/del/s1/");
	etcd_txn_delete(txn, ETCD_THEN, "/del/none");
	etcd_txn_get_prefix(txn, ETCD_THEN, "/del/", 1);
	etcd_txn_get_prefix(txn, ETCD_THEN, "/del/", 0);
	assert_int_equal(ask_txn(ask, txn), 0);
	assert_int_equal(ask->ops[0].deleted, 2);
	assert_int_equal(ask->ops[1].deleted, 0);
	assert_int_equal(ask->ops[2].kv_count, 1);
	assert_int_equal(ask->ops[3].kv_count, 2);
	assert_string_equal(ask->kvs[1].key, "/del/s1");
	assert_string_equal(ask->kvs[2].key, "/del/s10/a");
}

/* outer nested transactions of inner puts each; every other one fails its compare and answers with a get. */
static struct etcd_txn *nested(size_t outer, size_t inner)
{
	struct etcd_txn *txn = etcd_txn_new(), *child;
	char key[64];

	for (size_t i = 0; i < outer; i++) {
		child = etcd_txn_new();
		snprintf(key, sizeof(key), "/nest/none/%zu", i);
		etcd_txn_if_mod_revision(child, key, i % 2 ? 5 : 0);
		for (size_t j = 0; j < inner; j++) {
			snprintf(key, sizeof(key), "/nest/%zu/%zu", i, j);
			etcd_txn_put(child, ETCD_THEN, key, "x", 1, 0);
			etcd_txn_get(child, ETCD_ELSE, key);
		}
		etcd_txn_nest(txn, ETCD_THEN, child);
	}
	return txn;
}

static void nesting_works_up_to_the_limits(void **state)
{
	static const size_t sizes[][2] = { { ETCD_TXN_NESTED, 1 }, { ETCD_TXN_NESTED_TWO, 2 }, { 64, 64 }, { 1, 127 } };
	struct ask *ask = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (ask_txn(ask, nested(sizes[i][0], sizes[i][1])))
			fail_msg("%zu of %zu: %s", sizes[i][0], sizes[i][1], ask->why);
		assert_int_equal(ask->op_count, sizes[i][0]);
		for (size_t j = 0; j < ask->op_count; j++) {
			assert_int_equal(ask->ops[j].nested_succeeded, j % 2 == 0);
			assert_int_equal(ask->ops[j].nested_count, sizes[i][1]);
		}
	}
}

static void three_levels_nest(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *outer = etcd_txn_new();

	etcd_txn_nest(outer, ETCD_THEN, nested(100, 27));
	assert_int_equal(ask_txn(ask, outer), 0);
	assert_int_equal(ask->ops[0].nested_count, 100);
	outer = etcd_txn_new();
	etcd_txn_nest(outer, ETCD_THEN, nested(100, 28));
	assert_int_equal(ask_txn(ask, outer), SM_EINVAL);
}

static void over_the_limits_nothing_is_sent(void **state)
{
	static const size_t sizes[][2] = { { 128, 1 }, { 127, 2 }, { 64, 65 }, { 129, 0 } };
	struct ask *ask = *state;
	struct etcd_txn *txn;
	char key[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(ask_txn(ask, nested(sizes[i][0], sizes[i][1])), SM_EINVAL);
		assert_non_null(strstr(ask->why, "128"));
	}
	for (int more = 0; more < 2; more++) {
		txn = etcd_txn_new();
		for (int i = 0; i < 128 + more; i++) {
			snprintf(key, sizeof(key), "/over/%d", i);
			etcd_txn_put(txn, ETCD_THEN, key, "", 0, 0);
			etcd_txn_if_create_revision(txn, key, 0);
		}
		assert_int_equal(ask_txn(ask, txn), more ? SM_EINVAL : 0);
	}
}

static void requests_fit_up_to_the_limit(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *txn = etcd_txn_new(), *child;
	char *value = calloc(1, ETCD_REQUEST_BYTES + 1);
	char key[64];

	memset(value, '/', ETCD_REQUEST_BYTES);
	for (int i = 0; i < 127; i++) {
		child = etcd_txn_new();
		snprintf(key, sizeof(key), "/size/%d", i);
		etcd_txn_if_create_revision(child, key, 0);
		etcd_txn_put(child, ETCD_THEN, key, value,
		        (ETCD_REQUEST_BYTES - etcd_txn_bytes(txn)) / (size_t)(127 - i) - 150, 0);
		etcd_txn_nest(txn, ETCD_THEN, child);
	}
	assert_true(etcd_txn_bytes(txn) <= ETCD_REQUEST_BYTES && etcd_txn_bytes(txn) > ETCD_REQUEST_BYTES - 1000);
	if (ask_txn(ask, txn))
		fail_msg("%s", ask->why);
	txn = etcd_txn_new();
	etcd_txn_put(txn, ETCD_THEN, "/size/a", value, ETCD_REQUEST_BYTES, 0);
	assert_int_equal(ask_txn(ask, txn), SM_EINVAL);
	assert_non_null(strstr(ask->why, "bytes"));
	free(value);
}

static void on_binary(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct ask *ask = arg;

	ask_on_range(arg, error, why, result);
	assert_int_equal(result->kvs[0].value_bytes, 256);
	for (int i = 0; i < 256; i++)
		assert_int_equal((unsigned char)result->kvs[0].value[i], i);
	assert_int_equal(ask->calls, 1);
}

static void values_may_be_any_bytes(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *txn = etcd_txn_new();
	char value[256];

	for (int i = 0; i < 256; i++)
		value[i] = (char)i;
	etcd_txn_put(txn, ETCD_THEN, "/binary/\"\\\x01\xff", value, sizeof(value), 0);
	assert_int_equal(ask_txn(ask, txn), 0);
	ask_clear(ask);
	etcd_get(ask->etcd, "/binary/\"\\\x01\xff", on_binary, ask);
	ask_wait(ask, &ask->done);
}

static void the_same_key_twice_is_refused(void **state)
{
	struct ask *ask = *state;
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_put(txn, ETCD_THEN, "/twice", "1", 1, 0);
	etcd_txn_put(txn, ETCD_THEN, "/twice", "2", 1, 0);
	assert_int_equal(ask_txn(ask, txn), SM_EREFUSED);
	assert_non_null(strstr(ask->why, "duplicate key"));
	assert_int_equal(ask_txn(ask, etcd_txn_new()), 0); /* an empty one is fine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ask, free_ask)
		TEST(compares_hold_when_they_should),
		TEST(the_branch_that_is_taken_answers),
		TEST(deletes_stay_in_their_directory),
		TEST(nesting_works_up_to_the_limits),
		TEST(three_levels_nest),
		TEST(over_the_limits_nothing_is_sent),
		TEST(requests_fit_up_to_the_limit),
		TEST(values_may_be_any_bytes),
		TEST(the_same_key_twice_is_refused),
	};

	return cmocka_run_group_tests_name("etcd_txn", tests, set_up, tear_down);
}
