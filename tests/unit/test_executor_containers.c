/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * executor.h: containers that cannot be reached, refuse, start anew or go.
 */
#include "executor_help.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_unreachable_container_is_asked_again_and_closed),
		TEST(test_a_closed_container_without_orders_is_probed),
		TEST(test_nothing_is_dropped_for_an_heir_that_is_unreachable),
		TEST(test_a_drop_in_the_queue_waits_when_the_heir_fails),
		TEST(test_renumbering_keeps_what_is_under_way),
		TEST(test_a_restarted_container_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
