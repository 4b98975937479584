/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * executor.h, one shard at a time: every claim with every wish, answers that come late or twice, back-off.
 */
#include "executor_help.h"

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
		executor_help_teardown(state);
		executor_help_setup(state);
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
		TEST(test_a_claim_that_nobody_foresaw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
