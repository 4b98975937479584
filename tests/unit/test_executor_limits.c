/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * executor.h, many shards: how much of what is under way at a time.
 */
#include "balancer/executor.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { A, B, CONTAINERS };
#define SHARDS (EXECUTOR_ADDS_UNDER_WAY + 10)

static struct executor *executor;
static struct executor_order orders[SHARDS];

static int setup(void **state)
{
	static const uint32_t same[CONTAINERS] = { A, B };
	static const bool anew[CONTAINERS];
	static uint32_t was[SHARDS];
	struct executor_numbering numbering = { .shard_count = SHARDS,
		.container_count = CONTAINERS,
		.shard_was = was,
		.container_is = same,
		.container_anew = anew };

	(void)state;
	memset(was, 0xff, sizeof(was));
	assert_int_equal(executor_new(7, &executor), 0);
	assert_int_equal(executor_renumber(executor, &numbering), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	executor_free(executor);
	return 0;
}

static void claimed(uint32_t shard, uint32_t container)
{
	struct executor_claim claim = { .container = container, .ready = true, .current = true };

	executor_claimed(executor, shard, claim, 2);
}

static void test_drops_do_not_wait_behind_adds(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SHARDS; i++)
		executor_want(executor, i, A, true, 1);
	assert_int_equal(executor_take(executor, A, 1, SHARDS, orders), EXECUTOR_ADDS_UNDER_WAY);
	assert_int_equal(executor_take(executor, A, 1, 1, orders), 0); /* all hang */
	claimed(5, A);
	executor_want(executor, 5, B, true, 2);
	/* the drop, and one add took the place of the done one */
	assert_int_equal(executor_take(executor, A, 2, 2, orders), 2);
	assert_int_equal(orders[0].op, EXECUTOR_DROP);
	assert_int_equal(orders[0].shard, 5);
	assert_int_equal(orders[1].op, EXECUTOR_ADD);
}

static void test_the_service_awaits_so_many_claims(void **state)
{
	enum { MANY = 6 };
	static uint32_t was[EXECUTOR_CLAIMS_AWAITED + 100];
	static struct executor_order many[EXECUTOR_CLAIMS_AWAITED + 100];
	static const uint32_t same[] = { A, B };
	static const bool anew[CONTAINERS];
	struct executor_numbering numbering = { .shard_count = sizeof(was) / sizeof(was[0]),
		.container_count = MANY,
		.shard_was = was,
		.container_is = same,
		.container_anew = anew };
	uint32_t taken = 0;

	(void)state;
	memset(was, 0xff, sizeof(was));
	assert_int_equal(executor_renumber(executor, &numbering), 0);
	for (uint32_t i = 0; i < numbering.shard_count; i++)
		executor_want(executor, i, i % MANY, true, 1);
	for (uint32_t c = 0; c < MANY; c++)
		taken += executor_take(executor, c, 1, numbering.shard_count, many + taken);
	assert_int_equal(taken, EXECUTOR_CLAIMS_AWAITED);
	/* claimed, and the application takes its time: that is nobody's else affair */
	executor_claimed(executor, many[0].shard, (struct executor_claim){ .container = 0, .current = true }, 2);
	assert_int_equal(executor_take(executor, MANY - 1, 2, 100, many), 1);
}

static void own_all(uint32_t container, uint32_t wanted, bool configured)
{
	for (uint32_t i = 0; i < SHARDS; i++) {
		claimed(i, container);
		executor_want(executor, i, wanted, configured, 1);
	}
}

static void test_few_moves_away_at_a_time(void **state)
{
	struct executor_order first;

	(void)state;
	own_all(A, B, true);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), EXECUTOR_MOVES_AWAY);
	first = orders[0];
	claimed(first.shard, EXECUTOR_NONE); /* released: still without owner */
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), 0);
	claimed(first.shard, B);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), 1);
	assert_int_equal(orders[0].op, EXECUTOR_DROP);
}

static void test_few_moves_to_one_heir_at_a_time(void **state)
{
	static const uint32_t same[] = { 0, 1 };
	static const bool anew[CONTAINERS];
	static uint32_t was[SHARDS];
	enum { SOURCES = 5, HEIR = SOURCES };
	struct executor_numbering numbering = { .shard_count = SHARDS,
		.container_count = SOURCES + 1,
		.shard_was = was,
		.container_is = same,
		.container_anew = anew };
	uint32_t taken = 0, shard;

	(void)state;
	memset(was, 0xff, sizeof(was));
	assert_int_equal(executor_renumber(executor, &numbering), 0);
	for (uint32_t i = 0; i < SHARDS; i++) {
		claimed(i, i % SOURCES);
		executor_want(executor, i, HEIR, true, 1);
	}
	for (uint32_t c = 0; c < SOURCES; c++)
		taken += executor_take(executor, c, 2, SHARDS - taken, orders + taken);
	assert_int_equal(taken, EXECUTOR_MOVES_HERE);
	shard = orders[0].shard;
	claimed(shard, EXECUTOR_NONE);
	executor_claimed(executor, shard, (struct executor_claim){ .container = HEIR, .current = true }, 3);
	for (uint32_t c = 0; c < SOURCES; c++)
		assert_int_equal(executor_take(executor, c, 3, 1, orders), 0); /* claimed, not served yet */
	claimed(shard, HEIR);
	taken = 0;
	for (uint32_t c = 0; c < SOURCES; c++)
		taken += executor_take(executor, c, 4, SHARDS, orders);
	assert_int_equal(taken, 1);
}

static void test_a_drop_that_failed_makes_room(void **state)
{
	(void)state;
	own_all(A, B, true);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), EXECUTOR_MOVES_AWAY);
	assert_true(executor_answered(executor, orders[0].shard, orders[0].sequence, SM_EUNAVAILABLE, 3));
	assert_int_equal(executor_take(executor, A, 3, SHARDS, orders), 1);
}

static void test_an_heir_that_fails_does_not_block_other_heirs(void **state)
{
	struct executor_order add;

	(void)state;
	own_all(A, B, true);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), EXECUTOR_MOVES_AWAY);
	for (uint32_t i = 0; i < EXECUTOR_MOVES_AWAY; i++) {
		claimed(orders[i].shard, EXECUTOR_NONE);
		assert_int_equal(executor_take(executor, B, 2, 1, &add), 1);
		executor_answered(executor, add.shard, add.sequence, -100, 3);
	}
	assert_int_equal(executor_take(executor, A, 3, SHARDS, orders), EXECUTOR_MOVES_AWAY);
}

static void test_a_plan_taken_back_makes_room(void **state)
{
	uint32_t shard;

	(void)state;
	own_all(A, B, true);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), EXECUTOR_MOVES_AWAY);
	shard = orders[0].shard;
	claimed(shard, EXECUTOR_NONE);
	executor_want(executor, shard, EXECUTOR_NONE, true, 3);
	assert_int_equal(executor_take(executor, A, 3, SHARDS, orders), 1);
}

static void test_what_nobody_shall_have_is_dropped_at_once(void **state)
{
	(void)state;
	own_all(A, EXECUTOR_NONE, false);
	assert_int_equal(executor_take(executor, A, 2, SHARDS, orders), SHARDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drops_do_not_wait_behind_adds),
		TEST(test_the_service_awaits_so_many_claims),
		TEST(test_few_moves_away_at_a_time),
		TEST(test_few_moves_to_one_heir_at_a_time),
		TEST(test_a_drop_that_failed_makes_room),
		TEST(test_an_heir_that_fails_does_not_block_other_heirs),
		TEST(test_a_plan_taken_back_makes_room),
		TEST(test_what_nobody_shall_have_is_dropped_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
