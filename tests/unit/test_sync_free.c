/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The kernel that says when a claim may be freed: never before the lock delay on both clocks.
 */
#include "sync/sync_free.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants those before */
#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define BELIEF_MS 4850u   /* of a TTL of 5 s */
#define DELAY (5147 * MS) /* its lock delay: 4850 * 1.02 + 200 */

static struct clocks at(uint64_t boot_ns, uint64_t raw_ns)
{
	return (struct clocks){ .boot_ns = boot_ns, .raw_ns = raw_ns };
}

static struct clocks both(uint64_t ns)
{
	return at(ns, ns);
}

static struct sync_free_claim claim_of(const char *shard, int64_t incarnation, int64_t mod_revision)
{
	return (struct sync_free_claim){ .service = "S",
		.shard = shard,
		.container = "h:1",
		.belief_ms = BELIEF_MS,
		.incarnation = incarnation,
		.mod_revision = mod_revision };
}

static int setup(void **state)
{
	*state = sync_free_new();
	return *state == NULL;
}

static int teardown(void **state)
{
	sync_free_free(*state);
	return 0;
}

static void gone(struct sync_free *kernel, const char *shard, int64_t incarnation, int64_t mod_revision, uint64_t seen)
{
	struct sync_free_claim claim = claim_of(shard, incarnation, mod_revision);

	assert_int_equal(sync_free_gone(kernel, &claim, both(seen), false, 0), 0);
}

static size_t take(struct sync_free *kernel, struct clocks now, struct sync_free_claim *ret_claims)
{
	return sync_free_take(kernel, now, ret_claims, 8);
}

static void test_lock_delay_is_the_protocols(void **state)
{
	(void)state;
	assert_int_equal(clocks_lock_delay_ms(BELIEF_MS) * MS, DELAY);
	assert_true(clocks_lock_delay_ms(1) > 1 + CLOCKS_MARGIN_MS);
}

static void test_not_before_both_clocks(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];
	uint64_t wait;

	assert_false(sync_free_next(kernel, both(0), &wait));
	gone(kernel, "s1", 10, 20, 100 * S);
	assert_int_equal(take(kernel, both(100 * S + DELAY - 1), claims), 0);
	assert_true(sync_free_next(kernel, both(100 * S + DELAY - 1), &wait));
	assert_int_equal(wait, 1);
	/* One clock alone, by a suspend or a slew, is not enough. */
	assert_int_equal(take(kernel, at(1000 * S, 100 * S + DELAY - 1), claims), 0);
	assert_int_equal(take(kernel, at(100 * S + DELAY - 1, 1000 * S), claims), 0);
	assert_true(sync_free_next(kernel, at(1000 * S, 100 * S), &wait));
	assert_int_equal(wait, DELAY);
	assert_int_equal(take(kernel, both(100 * S + DELAY), claims), 1);
	assert_string_equal(claims[0].service, "S");
	assert_string_equal(claims[0].shard, "s1");
	assert_string_equal(claims[0].container, "h:1");
	assert_int_equal(claims[0].incarnation, 10);
	assert_int_equal(claims[0].mod_revision, 20);
	/* Under way: not twice. */
	assert_int_equal(take(kernel, both(1000 * S), claims), 0);
	assert_false(sync_free_next(kernel, both(1000 * S), &wait));
}

static void test_recovery_waits_until_the_id_is_back(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claim = claim_of("s1", 10, 20), claims[8];

	assert_int_equal(sync_free_gone(kernel, &claim, both(0), false, 3000), 0);
	assert_int_equal(take(kernel, both(DELAY + 3 * S - 1), claims), 0);
	sync_free_present(kernel, "S", "h:2", true);
	sync_free_present(kernel, "T", "h:1", true);
	assert_int_equal(take(kernel, both(DELAY + 3 * S - 1), claims), 0);
	sync_free_present(kernel, "S", "h:1", true);
	assert_int_equal(take(kernel, both(DELAY - 1), claims), 0);
	sync_free_present(kernel, "S", "h:1", false);
	assert_int_equal(take(kernel, both(DELAY), claims), 0);
	sync_free_recovery(kernel, "T", 0);
	assert_int_equal(take(kernel, both(DELAY), claims), 0);
	sync_free_recovery(kernel, "S", 1000);
	assert_int_equal(take(kernel, both(DELAY + 1 * S - 1), claims), 0);
	assert_int_equal(take(kernel, both(DELAY + 1 * S), claims), 1);
}

static void test_cleared_claims_are_forgotten(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];

	gone(kernel, "s1", 10, 20, 0);
	gone(kernel, "s2", 10, 21, 0);
	assert_int_equal(sync_free_count(kernel), 2);
	assert_int_equal(sync_free_cleared(kernel, "S", "s1", 1), 0);
	assert_int_equal(sync_free_cleared(kernel, "S", "s1", 0), 0);
	assert_true(sync_free_names(kernel, 10));
	/* The last one that names the incarnation. */
	assert_int_equal(sync_free_cleared(kernel, "S", "s2", 0), 10);
	assert_false(sync_free_names(kernel, 10));
	assert_int_equal(take(kernel, both(1000 * S), claims), 0);
}

static void test_first_sighting_counts(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];

	gone(kernel, "s1", 10, 20, 0);
	gone(kernel, "s2", 10, 30, 4 * S); /* the same incarnation, found later */
	assert_int_equal(take(kernel, both(DELAY), claims), 2);
}

static void test_beliefs_have_their_own_delays(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim longer = claim_of("s2", 10, 21), claims[8];

	gone(kernel, "s1", 10, 20, 0);
	longer.belief_ms = 2 * BELIEF_MS;
	assert_int_equal(sync_free_gone(kernel, &longer, both(0), false, 0), 0);
	assert_int_equal(take(kernel, both(DELAY), claims), 1);
	assert_string_equal(claims[0].shard, "s1");
	assert_int_equal(take(kernel, both(clocks_lock_delay_ms(2 * BELIEF_MS) * MS - 1), claims), 0);
	assert_int_equal(take(kernel, both(clocks_lock_delay_ms(2 * BELIEF_MS) * MS), claims), 1);
	/* Both groups name it. */
	assert_int_equal(sync_free_cleared(kernel, "S", "s1", 0), 0);
	assert_int_equal(sync_free_cleared(kernel, "S", "s2", 0), 10);
}

static void test_again_after_a_growing_pause(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];
	uint64_t now = DELAY, wait;

	gone(kernel, "s1", 10, 20, 0);
	for (uint64_t pause = SYNC_FREE_PAUSE_MS; pause < SYNC_FREE_PAUSE_MAX_MS; pause *= 2) {
		assert_int_equal(take(kernel, both(now), claims), 1);
		sync_free_again(kernel, &claims[0], both(now));
		assert_true(sync_free_next(kernel, both(now), &wait));
		assert_int_equal(wait, pause * MS);
		assert_int_equal(take(kernel, both(now + wait - 1), claims), 0);
		now += wait;
	}
	sync_free_answered(kernel);
	assert_int_equal(take(kernel, both(now), claims), 1);
	sync_free_again(kernel, &claims[0], both(now));
	assert_true(sync_free_next(kernel, both(now), &wait));
	assert_int_equal(wait, SYNC_FREE_PAUSE_MS * MS);
}

static void test_answers_about_an_older_record_are_ignored(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8], more[8];
	uint64_t wait;

	gone(kernel, "s1", 10, 20, 0);
	assert_int_equal(take(kernel, both(DELAY), claims), 1);
	/* The late "ready" of the dead container changed the record meanwhile. */
	sync_free_cleared(kernel, "S", "s1", 0);
	gone(kernel, "s1", 10, 25, 0);
	assert_int_equal(take(kernel, both(DELAY), more), 1);
	assert_int_equal(more[0].mod_revision, 25);
	claims[0] = claim_of("s1", 10, 20);
	sync_free_again(kernel, &claims[0], both(DELAY));
	assert_false(sync_free_next(kernel, both(2 * DELAY), &wait));
	claims[0] = claim_of("s9", 10, 20);
	sync_free_again(kernel, &claims[0], both(DELAY));
}

static void test_held(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];
	uint64_t wait;

	gone(kernel, "s1", 10, 20, 0);
	sync_free_hold(kernel, true);
	assert_int_equal(take(kernel, both(1000 * S), claims), 0);
	assert_false(sync_free_next(kernel, both(1000 * S), &wait));
	sync_free_hold(kernel, false);
	assert_int_equal(take(kernel, both(1000 * S), claims), 1);
}

static void test_batches(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim claims[8];
	char name[16];
	size_t total = 0, count;

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		gone(kernel, name, 10 + i % 3, 20 + i, 0);
	}
	assert_int_equal(sync_free_count(kernel), 1000);
	while ((count = take(kernel, both(DELAY), claims)) > 0)
		total += count;
	assert_int_equal(total, 1000);
	sync_free_clear(kernel);
	assert_int_equal(sync_free_count(kernel), 0);
	gone(kernel, "s1", 10, 20, 0);
	assert_int_equal(take(kernel, both(DELAY), claims), 1);
}

static void test_has(void **state)
{
	struct sync_free *kernel = *state;
	struct sync_free_claim same = claim_of("s1", 10, 20), other = claim_of("s1", 10, 21);

	gone(kernel, "s1", 10, 20, 0);
	assert_true(sync_free_has(kernel, &same));
	assert_false(sync_free_has(kernel, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_delay_is_the_protocols),
		cmocka_unit_test_setup_teardown(test_not_before_both_clocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recovery_waits_until_the_id_is_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cleared_claims_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_sighting_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_beliefs_have_their_own_delays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again_after_a_growing_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_about_an_older_record_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_has, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
