/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * executor.h, one shard at a time: every claim with every wish, answers that come late or twice, back-off.
 */
#include "balancer/executor.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { A, B, CONTAINERS };
#define NOBODY EXECUTOR_NONE
#define AWAY EXECUTOR_AWAY

static struct executor *executor;

static void number(uint32_t shards, uint32_t containers, const uint32_t *shard_was, const uint32_t *container_is)
{
	static const bool anew[CONTAINERS];
	struct executor_numbering numbering = { .shard_count = shards,
		.container_count = containers,
		.shard_was = shard_was,
		.container_is = container_is,
		.container_anew = anew };

	assert_int_equal(executor_renumber(executor, &numbering), 0);
}

static void number_fresh(uint32_t shards)
{
	static const uint32_t same[CONTAINERS] = { A, B };
	uint32_t *was = malloc(shards * sizeof(*was));

	memset(was, 0xff, shards * sizeof(*was));
	number(shards, CONTAINERS, was, same);
	free(was);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(executor_new(7, &executor), 0);
	number_fresh(1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	executor_free(executor);
	return 0;
}

static bool claimed(uint32_t container, bool ready, bool current, uint64_t now)
{
	struct executor_claim claim = { .container = container, .ready = ready, .current = current };

	return executor_claimed(executor, 0, claim, now);
}

/* The only order that is ready at now; op 0: none. */
static struct executor_order take(uint64_t now, uint32_t *ret_container)
{
	struct executor_order orders[2] = { 0 };

	*ret_container = NOBODY;
	executor_wake(executor, now);
	for (uint32_t c = 0; c < CONTAINERS; c++) {
		if (executor_take(executor, c, now, 1, &orders[1]) == 0)
			continue;
		assert_int_equal(*ret_container, NOBODY);
		*ret_container = c;
		orders[0] = orders[1];
	}
	return orders[0];
}

static struct executor_order expect(enum executor_op op, uint32_t container, uint64_t now)
{
	uint32_t to;
	struct executor_order order = take(now, &to);

	assert_int_equal(order.op, op);
	assert_int_equal(to, op ? container : NOBODY);
	return order;
}

static void expect_nothing(uint64_t now)
{
	expect(0, NOBODY, now);
}

static const struct row {
	uint32_t claim;
	bool ready, current;
	uint32_t wanted;
	bool configured;
	enum executor_op op;
	uint32_t to;
} rows[] = {
	{ NOBODY, 0, 0, NOBODY, 1, 0, NOBODY },
	{ NOBODY, 0, 0, NOBODY, 0, 0, NOBODY },
	{ NOBODY, 0, 0, A, 1, EXECUTOR_ADD, A },
	{ AWAY, 1, 0, NOBODY, 1, 0, NOBODY },
	{ AWAY, 1, 0, NOBODY, 0, 0, NOBODY },
	{ AWAY, 1, 0, A, 1, 0, NOBODY },
	{ AWAY, 0, 0, A, 1, 0, NOBODY },
	{ A, 1, 1, A, 1, 0, NOBODY },
	{ A, 0, 1, A, 1, EXECUTOR_ADD, A },
	{ A, 1, 0, A, 1, 0, NOBODY },
	{ A, 0, 0, A, 1, 0, NOBODY },
	{ B, 1, 1, A, 1, EXECUTOR_DROP, B },
	{ B, 0, 1, A, 1, EXECUTOR_DROP, B },
	{ B, 1, 0, A, 1, 0, NOBODY },
	{ B, 1, 1, NOBODY, 1, 0, NOBODY },
	{ B, 0, 1, NOBODY, 1, 0, NOBODY },
	{ B, 1, 1, NOBODY, 0, EXECUTOR_DROP, B },
	{ B, 0, 1, NOBODY, 0, EXECUTOR_DROP, B },
	{ B, 1, 0, NOBODY, 0, 0, NOBODY },
};

static void test_every_claim_with_every_wish(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		claimed(row->claim, row->ready, row->current, 1);
		executor_want(executor, 0, row->wanted, row->configured, 1);
		expect(row->op, row->to, 1);
		expect_nothing(2); /* it is under way */
		teardown(state);
		setup(state);
	}
}

static void test_a_move_is_drop_then_add(void **state)
{
	(void)state;
	claimed(A, true, true, 1);
	executor_want(executor, 0, B, true, 1);
	assert_int_equal(executor_owner(executor, 0), A);
	expect(EXECUTOR_DROP, A, 1);
	assert_int_equal(executor_owner(executor, 0), B);
	expect_nothing(2);
	claimed(NOBODY, false, false, 3); /* the view has it before the answer comes */
	expect(EXECUTOR_ADD, B, 3);
	assert_int_equal(executor_owner(executor, 0), B);
	assert_false(executor_settled(executor, 0));
	claimed(B, false, true, 4);
	expect_nothing(4);
	claimed(B, true, true, 5);
	expect_nothing(5);
	assert_true(executor_settled(executor, 0));
	assert_int_equal(executor_due_ms(executor, 5), UINT64_MAX);
}

static void test_an_answer_before_the_view(void **state)
{
	struct executor_order order;

	(void)state;
	claimed(A, true, true, 1);
	executor_want(executor, 0, B, true, 1);
	order = expect(EXECUTOR_DROP, A, 1);
	assert_true(executor_answered(executor, 0, order.sequence, 0, 2));
	assert_false(executor_answered(executor, 0, order.sequence, 0, 2)); /* twice */
	expect_nothing(3);                                                  /* the claim still stands in the view */
	claimed(NOBODY, false, false, 4);
	order = expect(EXECUTOR_ADD, B, 4);
	assert_true(executor_answered(executor, 0, order.sequence, 0, 5));
	expect_nothing(6);
	claimed(B, true, true, 7);
	expect_nothing(7 + EXECUTOR_ANSWERED_MS);
}

static void test_done_but_the_view_does_not_show_it(void **state)
{
	struct executor_order order;

	(void)state;
	executor_want(executor, 0, A, true, 1);
	order = expect(EXECUTOR_ADD, A, 1);
	executor_answered(executor, 0, order.sequence, 0, 2);
	assert_int_equal(executor_due_ms(executor, 2), 2 + EXECUTOR_ANSWERED_MS);
	expect_nothing(1 + EXECUTOR_ANSWERED_MS);
	expect(EXECUTOR_ADD, A, 2 + EXECUTOR_ANSWERED_MS);
}

static void test_claimed_and_lost_again_after_the_answer(void **state)
{
	struct executor_order order;

	(void)state;
	executor_want(executor, 0, A, true, 1);
	order = expect(EXECUTOR_ADD, A, 1);
	executor_answered(executor, 0, order.sequence, 0, 2);
	claimed(A, false, true, 3);
	claimed(NOBODY, false, false, 4);
	expect(EXECUTOR_ADD, A, 4);
}

static void test_a_stale_answer_counts_nothing(void **state)
{
	struct executor_order first;

	(void)state;
	executor_want(executor, 0, A, true, 1);
	first = expect(EXECUTOR_ADD, A, 1);
	executor_want(executor, 0, B, true, 2);
	expect(EXECUTOR_ADD, B, 2);
	assert_false(executor_answered(executor, 0, first.sequence, -100, 3));
	executor_unanswered(executor, 0, first.sequence, 3);
	expect_nothing(3);
	/* the overtaken add wins the claim all the same: unforeseen, and taken away again */
	assert_true(claimed(A, false, true, 4));
	expect(EXECUTOR_DROP, A, 4);
}

static void test_failures_are_repeated_with_backoff(void **state)
{
	uint64_t now = 1, longest = EXECUTOR_BACKOFF_MIN_MS;

	(void)state;
	executor_want(executor, 0, A, true, now);
	for (int i = 0; i < 14; i++) {
		struct executor_order order = expect(EXECUTOR_ADD, A, now);
		uint64_t due;

		/* the application says no: claimed, given back */
		claimed(A, false, true, now);
		executor_answered(executor, 0, order.sequence, -100, now);
		claimed(NOBODY, false, false, now);
		due = executor_due_ms(executor, now);
		assert_in_range(due, now + longest / 2, now + longest);
		expect_nothing(due - 1);
		now = due;
		longest = longest * 2 > EXECUTOR_BACKOFF_MAX_MS ? EXECUTOR_BACKOFF_MAX_MS : longest * 2;
	}
	/* success, and it starts from the beginning */
	expect(EXECUTOR_ADD, A, now);
	claimed(A, true, true, now);
	claimed(NOBODY, false, false, now);
	{
		struct executor_order order = expect(EXECUTOR_ADD, A, now);

		executor_answered(executor, 0, order.sequence, -100, now);
		assert_in_range(executor_due_ms(executor, now), now, now + EXECUTOR_BACKOFF_MIN_MS);
	}
}

static void test_another_wish_does_not_wait_for_the_backoff(void **state)
{
	struct executor_order order;

	(void)state;
	executor_want(executor, 0, A, true, 1);
	order = expect(EXECUTOR_ADD, A, 1);
	executor_answered(executor, 0, order.sequence, -100, 2);
	expect_nothing(2);
	executor_want(executor, 0, B, true, 3);
	expect(EXECUTOR_ADD, B, 3);
}

static void test_a_drop_that_fails_does_not_delay_the_add(void **state)
{
	struct executor_order order;

	(void)state;
	claimed(A, true, true, 1);
	executor_want(executor, 0, B, true, 1);
	order = expect(EXECUTOR_DROP, A, 1);
	executor_answered(executor, 0, order.sequence, -7, 2);
	expect_nothing(2);
	claimed(NOBODY, false, false, 3);
	expect(EXECUTOR_ADD, B, 3);
}

static void test_an_unreachable_container_is_asked_again_and_closed(void **state)
{
	uint64_t now = 1;
	bool closed = false;

	(void)state;
	executor_want(executor, 0, A, true, now);
	for (int i = 0; i < 12; i++) {
		struct executor_order order = expect(EXECUTOR_ADD, A, now);

		closed |= executor_unreachable(executor, A, i < 2, now);
		executor_unanswered(executor, 0, order.sequence, now);
		assert_int_equal(closed, now >= 1 + EXECUTOR_CLOSED_AFTER_MS);
		assert_int_equal(executor_closed(executor, A), closed);
		expect_nothing(now);
		assert_false(executor_probe(executor, A, now)); /* the add will tell */
		now = executor_due_ms(executor, now);
	}
	assert_true(closed);
	assert_int_equal(executor_owner(executor, 0), NOBODY); /* free for others to take */
	assert_true(executor_reached(executor, A, now));
	assert_false(executor_reached(executor, A, now));
	expect(EXECUTOR_ADD, A, now);
}

static void test_a_closed_container_without_orders_is_probed(void **state)
{
	(void)state;
	assert_false(executor_reached(executor, B, 1));
	assert_true(executor_unreachable(executor, B, true, 1));
	assert_true(executor_closed(executor, B));
	assert_false(executor_probe(executor, B, 1));
	assert_in_range(executor_due_ms(executor, 1), 2, 1 + EXECUTOR_AGAIN_MIN_MS);
	assert_true(executor_probe(executor, B, executor_due_ms(executor, 1)));
	assert_true(executor_reached(executor, B, 200));
	assert_false(executor_probe(executor, B, 200));
	assert_int_equal(executor_due_ms(executor, 200), UINT64_MAX);
}

static void test_nothing_is_dropped_for_an_heir_that_is_unreachable(void **state)
{
	(void)state;
	claimed(A, true, true, 1);
	executor_unreachable(executor, B, false, 1);
	executor_want(executor, 0, B, true, 1);
	expect_nothing(1);
	expect_nothing(500);
	executor_reached(executor, B, 501);
	expect(EXECUTOR_DROP, A, 501);
}

static void test_a_drop_in_the_queue_waits_when_the_heir_fails(void **state)
{
	(void)state;
	claimed(A, true, true, 1);
	executor_want(executor, 0, B, true, 1);
	executor_unreachable(executor, B, false, 1);
	expect_nothing(1);
	/* what is not configured any more needs no heir */
	executor_want(executor, 0, NOBODY, false, 2);
	expect(EXECUTOR_DROP, A, 2);
}

static void test_a_claim_that_nobody_foresaw(void **state)
{
	(void)state;
	executor_want(executor, 0, A, true, 1);
	expect(EXECUTOR_ADD, A, 1);
	assert_false(claimed(A, false, true, 2)); /* as asked */
	assert_false(claimed(A, true, true, 2));
	assert_false(claimed(NOBODY, false, false, 3));
	assert_true(claimed(B, true, true, 4));
	assert_false(claimed(B, true, true, 5)); /* known by now */
	executor_want(executor, 0, NOBODY, true, 6);
	assert_false(claimed(NOBODY, false, false, 6));
	assert_true(claimed(A, true, true, 7)); /* unassigned, and yet claimed */
	expect_nothing(7);
}

static void test_renumbering_keeps_what_is_under_way(void **state)
{
	static const uint32_t shard_was[] = { EXECUTOR_NONE, 0 }, container_is[] = { 1, 0 },
	                      gone[] = { 0, EXECUTOR_NONE };
	static const uint32_t same[] = { 0, 1 };
	struct executor_order order;
	struct executor_claim free_claim = { .container = NOBODY };

	(void)state;
	executor_want(executor, 0, A, true, 1);
	order = expect(EXECUTOR_ADD, A, 1);
	number(2, CONTAINERS, shard_was, container_is); /* A is number 1 now, the shard too */
	executor_claimed(executor, 1, free_claim, 2);
	assert_int_equal(executor_wanted(executor, 1), 1);
	executor_want(executor, 1, 1, true, 2);
	expect_nothing(2);
	assert_true(executor_answered(executor, 1, order.sequence, -100, 3));
	assert_in_range(executor_due_ms(executor, 3), 4, 3 + EXECUTOR_BACKOFF_MIN_MS);
	number(2, CONTAINERS - 1, same, gone); /* it has gone */
	assert_int_equal(executor_wanted(executor, 1), NOBODY);
	assert_int_equal(executor_owner(executor, 1), AWAY);
	executor_want(executor, 1, NOBODY, true, 4);
	assert_int_equal(executor_owner(executor, 1), NOBODY);
}

static void test_a_restarted_container_is_asked_again(void **state)
{
	static const uint32_t same[] = { A, B };
	static const bool anew[] = { true, false };
	struct executor_numbering numbering = { .shard_count = 1,
		.container_count = CONTAINERS,
		.shard_was = same,
		.container_is = same,
		.container_anew = anew };
	struct executor_order order;

	(void)state;
	executor_want(executor, 0, A, true, 1);
	order = expect(EXECUTOR_ADD, A, 1);
	assert_int_equal(executor_renumber(executor, &numbering), 0);
	claimed(NOBODY, false, false, 2);
	assert_int_equal(executor_wanted(executor, 0), A);
	assert_int_not_equal(expect(EXECUTOR_ADD, A, 2).sequence, order.sequence);
	assert_false(executor_answered(executor, 0, order.sequence, 0, 3));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_claim_with_every_wish),
		TEST(test_a_move_is_drop_then_add),
		TEST(test_an_answer_before_the_view),
		TEST(test_done_but_the_view_does_not_show_it),
		TEST(test_claimed_and_lost_again_after_the_answer),
		TEST(test_a_stale_answer_counts_nothing),
		TEST(test_failures_are_repeated_with_backoff),
		TEST(test_another_wish_does_not_wait_for_the_backoff),
		TEST(test_a_drop_that_fails_does_not_delay_the_add),
		TEST(test_an_unreachable_container_is_asked_again_and_closed),
		TEST(test_a_closed_container_without_orders_is_probed),
		TEST(test_nothing_is_dropped_for_an_heir_that_is_unreachable),
		TEST(test_a_drop_in_the_queue_waits_when_the_heir_fails),
		TEST(test_a_claim_that_nobody_foresaw),
		TEST(test_renumbering_keeps_what_is_under_way),
		TEST(test_a_restarted_container_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
