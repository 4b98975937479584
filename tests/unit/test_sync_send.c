/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the freeing transaction compares, on a real etcd: it is sent although something is not as it must be, and must then change nothing.
 */
#include "../etcd_server.h"
#include "sync/sync_free_send.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before */
#include <cmocka.h>

#define STORE "{\"incarnation\":1}"
#define SESSION "/sm/app/S/containerhb/h:1/aa"

struct world {
	struct etcd_server *server;
	struct event_base *base;
	struct etcd *etcd;
	struct keys keys;
	struct sync_free_send *send;
	int64_t revision; /* of the last change */
	size_t kv_count;  /* found by the last get */
	int64_t create_revision;
	int answered; /* -1: not yet */
	size_t told;
};

static void on_txn(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct world *world = arg;

	(void)result;
	if (error != 0)
		fail_msg("%s", why);
	world->revision = header->revision;
	event_base_loopbreak(world->base);
}

/* A put, or a deletion when value is NULL; the revision. */
static int64_t change(struct world *world, const char *key, const char *value)
{
	struct etcd_txn *txn = etcd_txn_new();

	if (value == NULL)
		etcd_txn_delete(txn, ETCD_THEN, key);
	else
		etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), 0);
	assert_non_null(etcd_txn_send(world->etcd, txn, on_txn, world));
	event_base_dispatch(world->base);
	return world->revision;
}

static void on_got(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct world *world = arg;

	if (error != 0)
		fail_msg("%s", why);
	world->kv_count = result->count;
	event_base_loopbreak(world->base);
}

static bool exists(struct world *world, const char *shard)
{
	char key[KEYS_BYTES];

	snprintf(key, sizeof(key), "/sm/app/S/shardhb/%.200s", shard);
	assert_non_null(etcd_get(world->etcd, key, on_got, world));
	event_base_dispatch(world->base);
	return world->kv_count == 1;
}

static int64_t claim(struct world *world, const char *shard)
{
	char key[KEYS_BYTES];

	snprintf(key, sizeof(key), "/sm/app/S/shardhb/%.200s", shard);
	return change(world, key, "{}");
}

static void on_sent(void *arg, const struct sync_free_claim *claims, size_t count, bool answered)
{
	struct world *world = arg;

	assert_string_equal(claims[0].service, "S");
	world->answered = answered;
	world->told = count;
	event_base_loopbreak(world->base);
}

static bool send_claims(struct world *world, const char *store, const struct sync_free_claim *claims, size_t count)
{
	world->answered = -1;
	assert_int_equal(sync_free_send(world->send, store, claims, count), 0);
	assert_int_equal(sync_free_send_count(world->send), 1);
	event_base_dispatch(world->base);
	assert_int_equal(sync_free_send_count(world->send), 0);
	assert_int_equal(world->told, count);
	assert_int_not_equal(world->answered, -1);
	return world->answered;
}

static struct sync_free_claim named(const char *shard, int64_t incarnation, int64_t mod_revision)
{
	return (struct sync_free_claim){ .service = "S",
		.shard = shard,
		.container = "h:1",
		.belief_ms = 1880,
		.incarnation = incarnation,
		.mod_revision = mod_revision };
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->server = etcd_server_start(NULL);
	assert_non_null(world->server);
	world->base = event_base_new();
	assert_int_equal(
	        etcd_new(world->base,
	                &(struct etcd_config){ .endpoints = etcd_server_endpoints(world->server), .endpoint_count = 1 },
	                &world->etcd, NULL),
	        0);
	assert_int_equal(keys_init(&world->keys, "/sm", "M", NULL), 0);
	world->send = sync_free_send_new(world->etcd, &world->keys, on_sent, world);
	assert_non_null(world->send);
	change(world, "/sm/store", STORE);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	sync_free_send_free(world->send);
	etcd_free(world->etcd);
	event_base_free(world->base);
	etcd_server_stop(world->server);
	free(world);
	return 0;
}

static void test_frees_what_is_gone(void **state)
{
	struct world *world = *state;
	struct sync_free_claim claims[2];
	int64_t incarnation = change(world, SESSION, "{}");

	claims[0] = named("f1", incarnation, claim(world, "f1"));
	claims[1] = named("f1", incarnation, claim(world, "f1/3"));
	claims[1].replica = 3;
	claim(world, "f10");
	change(world, SESSION, NULL);
	assert_true(send_claims(world, STORE, claims, 2));
	assert_false(exists(world, "f1"));
	assert_false(exists(world, "f1/3"));
	assert_true(exists(world, "f10"));
}

static void test_spares_the_living(void **state)
{
	struct world *world = *state;
	int64_t incarnation = change(world, SESSION, "{}");
	struct sync_free_claim alive = named("l1", incarnation, claim(world, "l1"));

	assert_true(send_claims(world, STORE, &alive, 1));
	assert_true(exists(world, "l1"));
	/* A heartbeat changes the key's mod_revision, not its create_revision. */
	change(world, SESSION, "{\"later\":1}");
	assert_true(send_claims(world, STORE, &alive, 1));
	assert_true(exists(world, "l1"));
	/* Another container's session, with a name that begins alike, does not keep it. */
	change(world, SESSION, NULL);
	change(world, "/sm/app/S/containerhb/h:10/aa", "{}");
	assert_true(send_claims(world, STORE, &alive, 1));
	assert_false(exists(world, "l1"));
}

static void test_one_of_several_keys_keeps_it(void **state)
{
	struct world *world = *state;
	int64_t older = change(world, SESSION, "{}"), younger;
	struct sync_free_claim claims[2];

	younger = change(world, "/sm/app/S/containerhb/h:1/bb", "{}");
	claims[0] = named("o1", older, claim(world, "o1"));
	claims[1] = named("o2", younger, claim(world, "o2"));
	change(world, SESSION, NULL);
	assert_true(send_claims(world, STORE, claims, 2));
	assert_false(exists(world, "o1"));
	assert_true(exists(world, "o2"));
	change(world, "/sm/app/S/containerhb/h:1/bb", NULL);
}

static void test_spares_a_record_that_changed(void **state)
{
	struct world *world = *state;
	int64_t incarnation = change(world, SESSION, "{}");
	struct sync_free_claim claims[3] = { named("c1", incarnation, claim(world, "c1")),
		named("c2", incarnation, claim(world, "c2")), named("absent", incarnation, 1) };

	change(world, SESSION, NULL);
	claim(world, "c1");
	assert_true(send_claims(world, STORE, claims, 3));
	assert_true(exists(world, "c1"));
	assert_false(exists(world, "c2"));
	/* Released and claimed anew. */
	claims[1].mod_revision = claim(world, "c2");
	change(world, "/sm/app/S/shardhb/c2", NULL);
	claim(world, "c2");
	assert_true(send_claims(world, STORE, claims, 2));
	assert_true(exists(world, "c2"));
}

static void test_spares_all_in_another_store(void **state)
{
	struct world *world = *state;
	struct sync_free_claim gone = named("r1", 1, claim(world, "r1"));

	assert_false(send_claims(world, "{\"incarnation\":2}", &gone, 1));
	assert_true(exists(world, "r1"));
	assert_true(send_claims(world, STORE, &gone, 1));
	assert_false(exists(world, "r1"));
}

static void test_as_many_as_fit(void **state)
{
	struct world *world = *state;
	struct sync_free_claim claims[ETCD_TXN_NESTED_TWO];
	char shards[ETCD_TXN_NESTED_TWO][KEYS_ID_BYTES + 1], service[KEYS_ID_BYTES + 1] = "S",
	                                                                             container[KEYS_ID_BYTES + 1];

	memset(container, 'c', KEYS_ID_BYTES);
	container[KEYS_ID_BYTES] = '\0';
	for (size_t i = 0; i < ETCD_TXN_NESTED_TWO; i++) {
		memset(shards[i], 'x', KEYS_ID_BYTES);
		snprintf(shards[i], 8, "%03zu", i);
		shards[i][3] = 'x';
		shards[i][KEYS_ID_BYTES] = '\0';
		claims[i] = named(shards[i], 1, claim(world, shards[i]));
		claims[i].service = service;
		claims[i].container = container;
	}
	assert_true(send_claims(world, STORE, claims, ETCD_TXN_NESTED_TWO));
	assert_false(exists(world, shards[0]));
	assert_false(exists(world, shards[ETCD_TXN_NESTED_TWO - 1]));
}

static void test_says_when_nobody_answered(void **state)
{
	struct world *world = *state;
	struct sync_free_claim gone = named("n1", 1, claim(world, "n1"));

	etcd_server_kill(world->server, 0);
	assert_false(send_claims(world, STORE, &gone, 1));
	assert_int_equal(etcd_server_restart(world->server, 0), 0);
	assert_true(exists(world, "n1"));
	/* One that is under way when everything ends. */
	assert_int_equal(sync_free_send(world->send, STORE, &gone, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frees_what_is_gone),
		cmocka_unit_test(test_spares_the_living),
		cmocka_unit_test(test_one_of_several_keys_keeps_it),
		cmocka_unit_test(test_spares_a_record_that_changed),
		cmocka_unit_test(test_spares_all_in_another_store),
		cmocka_unit_test(test_as_many_as_fit),
		cmocka_unit_test(test_says_when_nobody_answered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
