/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The deadline kernel: what extends a belief, what does not, and which clock ends it.
 */
#include "container_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct clocks at(uint64_t boot_ms, uint64_t raw_ms)
{
	return (struct clocks){ .boot_ns = boot_ms * MS, .raw_ns = raw_ms * MS };
}

static struct container_session opened(uint64_t sent_ms)
{
	struct container_session session;

	container_session_init(&session, 5);
	struct container_session_mark mark = container_session_send(&session, at(sent_ms, sent_ms));
	assert_false(container_session_went_back(&session, &mark, 10, 2));
	container_session_begin(&session, 7, &mark);
	return session;
}

static void deadline_counts_from_the_sending(void **state)
{
	struct container_session session = opened(1000);

	(void)state;
	assert_int_equal(session.belief_ms, 4850);
	assert_true(container_session_live(&session, at(5849, 5849)));
	assert_false(container_session_live(&session, at(5850, 5849)));
	assert_false(container_session_live(&session, at(5849, 5850)));
	assert_int_equal(container_session_left_ns(&session, at(5800, 5840)), 10 * MS);
	assert_int_equal(container_session_left_ns(&session, at(5850, 5840)), 0);
}

static void proof_of_the_same_incarnation_extends(void **state)
{
	struct container_session session = opened(1000);

	(void)state;
	struct container_session_mark mark = container_session_send(&session, at(3000, 3000));
	assert_int_equal(container_session_prove(&session, &mark, at(3500, 3500)), CONTAINER_SESSION_EXTENDED);
	assert_true(container_session_live(&session, at(7849, 7849)));
	assert_false(container_session_live(&session, at(7850, 7850)));
	struct container_session_mark older = container_session_send(&session, at(2000, 2000));
	assert_int_equal(container_session_prove(&session, &older, at(3600, 3600)), CONTAINER_SESSION_DISCARDED);
	assert_true(container_session_live(&session, at(7849, 7849)));
}

static void proof_of_another_incarnation_is_discarded(void **state)
{
	struct container_session session = opened(1000);

	(void)state;
	struct container_session_mark mark = container_session_send(&session, at(3000, 3000));
	container_session_end(&session);
	assert_int_equal(container_session_prove(&session, &mark, at(3001, 3001)), CONTAINER_SESSION_DISCARDED);
	assert_false(container_session_live(&session, at(3001, 3001)));
	struct container_session_mark anew = container_session_send(&session, at(3100, 3100));
	container_session_begin(&session, 8, &anew);
	assert_int_equal(container_session_prove(&session, &mark, at(3200, 3200)), CONTAINER_SESSION_DISCARDED);
	assert_true(container_session_live(&session, at(3200, 3200)));
}

static void suspension_is_reported_once_and_resumed_by_a_proof(void **state)
{
	struct container_session session = opened(1000);

	(void)state;
	assert_false(container_session_suspend(&session, at(5849, 5849)));
	struct container_session_mark slow = container_session_send(&session, at(1100, 1100));
	struct container_session_mark mark = container_session_send(&session, at(5800, 5800));
	assert_true(container_session_suspend(&session, at(5850, 5850)));
	assert_false(container_session_suspend(&session, at(5851, 5851)));
	/* An answer whose own deadline has passed, too, resumes nothing. */
	assert_int_equal(container_session_prove(&session, &slow, at(6000, 6000)), CONTAINER_SESSION_EXTENDED);
	assert_true(session.suspended);
	assert_int_equal(container_session_prove(&session, &mark, at(6000, 6000)), CONTAINER_SESSION_RESUMED);
	assert_true(container_session_live(&session, at(6000, 6000)));
	assert_true(container_session_suspend(&session, at(10650, 10650)));
}

static void etcd_that_goes_back_is_noticed(void **state)
{
	struct container_session session = opened(1000);

	(void)state;
	struct container_session_mark first = container_session_send(&session, at(2000, 2000));
	struct container_session_mark second = container_session_send(&session, at(2001, 2001));
	assert_false(container_session_went_back(&session, &second, 20, 2));
	/* Sent before the second was answered: an older revision is no contradiction. */
	assert_false(container_session_went_back(&session, &first, 15, 2));
	assert_int_equal(session.revision, 20);
	struct container_session_mark third = container_session_send(&session, at(2100, 2100));
	assert_true(container_session_went_back(&session, &third, 19, 2));
	assert_false(container_session_went_back(&session, &first, 30, 3));
	struct container_session_mark fourth = container_session_send(&session, at(2200, 2200));
	assert_true(container_session_went_back(&session, &fourth, 40, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadline_counts_from_the_sending),
		cmocka_unit_test(proof_of_the_same_incarnation_extends),
		cmocka_unit_test(proof_of_another_incarnation_is_discarded),
		cmocka_unit_test(suspension_is_reported_once_and_resumed_by_a_proof),
		cmocka_unit_test(etcd_that_goes_back_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
