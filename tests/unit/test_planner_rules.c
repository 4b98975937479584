/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The rules one by one, on snapshots small enough to see through, and snapshots that are strange or wrong.
 */
#include "planner_cases.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONE PLANNER_NONE
#define ABSENT PLANNER_ABSENT

static struct planner_plan plan_of(const struct planner_case *c)
{
	struct planner_plan plan;

	assert_int_equal(planner_plan(&c->input, &plan), 0);
	return plan;
}

static void expect_move(const struct planner_plan *plan, uint32_t i, uint32_t shard, uint32_t from, uint32_t to,
        enum planner_cause cause)
{
	assert_true(i < plan->move_count);
	assert_int_equal(plan->moves[i].shard, shard);
	assert_int_equal(plan->moves[i].from, from);
	assert_int_equal(plan->moves[i].to, to);
	assert_string_equal(planner_cause_name(plan->moves[i].cause), planner_cause_name(cause));
}

static void expect_unassigned(const struct planner_plan *plan, uint32_t i, uint32_t shard, enum planner_reason reason)
{
	assert_true(i < plan->unassigned_count);
	assert_int_equal(plan->unassigned[i].shard, shard);
	assert_string_equal(planner_reason_name(plan->unassigned[i].reason), planner_reason_name(reason));
}

static void expect_nothing(const struct planner_case *c)
{
	struct planner_plan plan = plan_of(c);

	assert_int_equal(plan.move_count, 0);
	assert_int_equal(plan.unassigned_count, 0);
	planner_plan_done(&plan);
}

static void own(struct planner_case *c, uint32_t first, uint32_t count, uint32_t owner)
{
	for (uint32_t i = first; i < first + count; i++)
		c->shards[i].owner = owner;
}

static void test_a_lost_containers_shards_are_placed(void **state)
{
	struct planner_case *c = planner_case_new(2, 4, 0);
	struct planner_plan plan;

	(void)state;
	own(c, 0, 2, ABSENT);
	own(c, 2, 1, 0);
	own(c, 3, 1, 1);
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 2);
	expect_move(&plan, 0, 0, ABSENT, 0, PLANNER_CAUSE_CONTAINER_LOST);
	expect_move(&plan, 1, 1, ABSENT, 1, PLANNER_CAUSE_CONTAINER_LOST);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_joined_container_gets_its_part_and_nothing_else_moves(void **state)
{
	struct planner_case *c = planner_case_new(4, 1000, 0);
	struct planner_plan plan;

	(void)state;
	own(c, 0, 334, 0);
	own(c, 334, 333, 1);
	own(c, 667, 333, 3);
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 250);
	for (uint32_t i = 0; i < plan.move_count; i++) {
		assert_int_equal(plan.moves[i].to, 2);
		assert_int_equal(plan.moves[i].cause, PLANNER_CAUSE_BALANCE);
	}
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_drained_container_gives_everything_and_takes_nothing(void **state)
{
	struct planner_case *c = planner_case_new(2, 3, 0);
	struct planner_plan plan;

	(void)state;
	c->containers[1].drained = true;
	own(c, 0, 2, 1);
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 3);
	expect_move(&plan, 0, 0, 1, 0, PLANNER_CAUSE_CONTAINER_DRAINED);
	expect_move(&plan, 1, 1, 1, 0, PLANNER_CAUSE_CONTAINER_DRAINED);
	expect_move(&plan, 2, 2, NONE, 0, PLANNER_CAUSE_PLACEMENT);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_where_all_are_drained_running_shards_stay(void **state)
{
	struct planner_case *c = planner_case_new(2, 3, 0);
	struct planner_plan plan;

	(void)state;
	c->containers[0].drained = c->containers[1].drained = true;
	own(c, 0, 2, 1);
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 0);
	assert_int_equal(plan.unassigned_count, 1);
	expect_unassigned(&plan, 0, 2, PLANNER_REASON_NO_CONTAINER);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_cordoned_container_keeps_what_it_has(void **state)
{
	struct planner_case *c = planner_case_new(3, 11, 0);
	struct planner_plan plan;

	(void)state;
	c->containers[0].cordoned = true;
	own(c, 0, 9, 0);
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 2);
	expect_move(&plan, 0, 9, NONE, 1, PLANNER_CAUSE_PLACEMENT);
	expect_move(&plan, 1, 10, NONE, 2, PLANNER_CAUSE_PLACEMENT);
	planner_plan_done(&plan);
	c->input.max_shard_count = 8;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 3);
	expect_move(&plan, 0, 8, 0, 1, PLANNER_CAUSE_MAX_SHARD_COUNT);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_pin_beats_the_worker_group(void **state)
{
	struct planner_case *c = planner_case_new(2, 2, 1);
	struct planner_plan plan;

	(void)state;
	c->workers[0] = (struct planner_worker){ 0, 0 };
	c->input.worker_group_count = 1;
	c->shards[0] = (struct planner_shard){ 0, 0, 1, NONE };
	c->shards[1] = (struct planner_shard){ 0, 0, 1, 0 };
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 2);
	expect_move(&plan, 0, 0, NONE, 1, PLANNER_CAUSE_PLACEMENT);
	expect_move(&plan, 1, 1, 0, 1, PLANNER_CAUSE_PIN);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_pin_to_a_container_that_is_away(void **state)
{
	struct planner_case *c = planner_case_new(2, 4, 0);
	struct planner_plan plan;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		c->shards[i].pin = ABSENT;
	c->shards[1].owner = ABSENT;
	c->shards[2].owner = 0;
	c->shards[3].owner = 1;
	c->containers[1].drained = true;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 0);
	assert_int_equal(plan.unassigned_count, 2);
	expect_unassigned(&plan, 0, 0, PLANNER_REASON_PIN_ABSENT);
	expect_unassigned(&plan, 1, 1, PLANNER_REASON_PIN_ABSENT);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_pin_to_a_container_that_takes_nothing(void **state)
{
	struct planner_case *c = planner_case_new(2, 3, 0);
	struct planner_plan plan;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		c->shards[i].pin = 1;
	c->shards[1].owner = 0;
	c->shards[2].owner = 1;
	for (int round = 0; round < 2; round++) {
		c->containers[1] = (struct planner_container){ .drained = round, .cordoned = !round };
		plan = plan_of(c);
		assert_int_equal(plan.move_count, 0);
		assert_int_equal(plan.unassigned_count, 1);
		expect_unassigned(&plan, 0, 0, PLANNER_REASON_PIN_CLOSED);
		planner_plan_done(&plan);
	}
	planner_case_free(c);
}

static void test_worker_groups_hold_and_say_when_they_are_empty(void **state)
{
	struct planner_case *c = planner_case_new(3, 4, 2);
	struct planner_plan plan;

	(void)state;
	c->workers[0] = (struct planner_worker){ 0, 2 };
	c->workers[1] = (struct planner_worker){ 0, 2 }; /* twice does no harm */
	c->input.worker_group_count = 2;
	for (uint32_t i = 0; i < 4; i++)
		c->shards[i].worker_group = i / 2;
	c->shards[0].owner = 0;
	c->shards[2].owner = 0;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 2);
	expect_move(&plan, 0, 0, 0, 2, PLANNER_CAUSE_WORKER_GROUP);
	expect_move(&plan, 1, 1, NONE, 2, PLANNER_CAUSE_PLACEMENT);
	assert_int_equal(plan.unassigned_count, 1);
	expect_unassigned(&plan, 0, 3, PLANNER_REASON_WORKER_GROUP_EMPTY);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_max_shard_count_is_kept_and_room_is_made(void **state)
{
	struct planner_case *c = planner_case_new(2, 3, 1);
	struct planner_plan plan;

	(void)state;
	c->input.max_shard_count = 1;
	c->input.worker_group_count = 1;
	c->workers[0] = (struct planner_worker){ 0, 0 };
	c->shards[0].owner = 0;
	c->shards[1].worker_group = 0;
	c->input.shard_count = 2;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 2);
	expect_move(&plan, 0, 0, 0, 1, PLANNER_CAUSE_BALANCE);
	expect_move(&plan, 1, 1, NONE, 0, PLANNER_CAUSE_PLACEMENT);
	assert_int_equal(plan.unassigned_count, 0);
	planner_case_apply(c, &plan);
	planner_plan_done(&plan);
	c->input.shard_count = 3;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 0);
	assert_int_equal(plan.unassigned_count, 1);
	expect_unassigned(&plan, 0, 2, PLANNER_REASON_MAX_SHARD_COUNT);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_a_lowered_limit_sheds_what_finds_room(void **state)
{
	struct planner_case *c = planner_case_new(4, 90, 0);
	struct planner_plan plan;

	(void)state;
	for (uint32_t i = 0; i < 90; i++)
		c->shards[i].owner = i / 30;
	c->input.max_shard_count = 20;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 20);
	for (uint32_t i = 0; i < plan.move_count; i++)
		assert_int_equal(plan.moves[i].cause, PLANNER_CAUSE_MAX_SHARD_COUNT);
	planner_case_apply(c, &plan);
	planner_plan_done(&plan);
	expect_nothing(c);
	planner_case_free(c);
}

static void test_groups_are_even_each(void **state)
{
	struct planner_case *c = planner_case_new(2, 8, 0);
	struct planner_plan plan;
	uint32_t first = 0;

	(void)state;
	c->input.group_count = 2;
	for (uint32_t i = 0; i < 8; i++) {
		c->shards[i].group = i / 4;
		c->shards[i].owner = i / 4;
	}
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 4);
	planner_case_apply(c, &plan);
	for (uint32_t i = 0; i < 4; i++)
		first += c->shards[i].owner == 0;
	assert_int_equal(first, 2);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_nothing_to_do(void **state)
{
	struct planner_case *c = planner_case_new(0, 0, 0);
	struct planner_plan plan;

	(void)state;
	expect_nothing(c);
	c->input.containers = NULL;
	c->input.shards = NULL;
	c->input.workers = NULL;
	c->input.group_count = 0;
	expect_nothing(c);
	planner_case_free(c);
	c = planner_case_new(5, 0, 0);
	expect_nothing(c);
	planner_case_free(c);
	c = planner_case_new(0, 2, 0);
	c->shards[1].owner = ABSENT;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 0);
	expect_unassigned(&plan, 0, 0, PLANNER_REASON_NO_CONTAINER);
	expect_unassigned(&plan, 1, 1, PLANNER_REASON_NO_CONTAINER);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_everything_pinned_to_one(void **state)
{
	struct planner_case *c = planner_case_new(3, 100, 0);
	struct planner_plan plan;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		c->shards[i] = (struct planner_shard){ 0, NONE, 1, i % 3 };
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 67);
	planner_plan_done(&plan);
	c->input.max_shard_count = 40;
	plan = plan_of(c);
	assert_int_equal(plan.move_count, 7);
	assert_int_equal(plan.unassigned_count, 0);
	planner_plan_done(&plan);
	planner_case_free(c);
}

static void test_numbers_out_of_range_are_refused(void **state)
{
	static const struct planner_shard wrong[] = {
		{ 1, NONE, NONE, NONE },
		{ NONE, NONE, NONE, NONE },
		{ 0, 1, NONE, NONE },
		{ 0, ABSENT, NONE, NONE },
		{ 0, NONE, 2, NONE },
		{ 0, NONE, NONE, 2 },
		{ 0, NONE, NONE, ABSENT - 1 },
	};
	struct planner_case *c = planner_case_new(2, 2, 1);
	struct planner_plan plan = { .move_count = 77 };

	(void)state;
	c->input.worker_group_count = 1;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c->shards[1] = wrong[i];
		assert_int_equal(planner_plan(&c->input, &plan), SM_EINVAL);
	}
	c->shards[1] = c->shards[0];
	c->workers[0] = (struct planner_worker){ 1, 0 };
	assert_int_equal(planner_plan(&c->input, &plan), SM_EINVAL);
	c->workers[0] = (struct planner_worker){ 0, 2 };
	assert_int_equal(planner_plan(&c->input, &plan), SM_EINVAL);
	assert_int_equal(plan.move_count, 77);
	planner_case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lost_containers_shards_are_placed),
		cmocka_unit_test(test_a_joined_container_gets_its_part_and_nothing_else_moves),
		cmocka_unit_test(test_a_drained_container_gives_everything_and_takes_nothing),
		cmocka_unit_test(test_where_all_are_drained_running_shards_stay),
		cmocka_unit_test(test_a_cordoned_container_keeps_what_it_has),
		cmocka_unit_test(test_a_pin_beats_the_worker_group),
		cmocka_unit_test(test_a_pin_to_a_container_that_is_away),
		cmocka_unit_test(test_a_pin_to_a_container_that_takes_nothing),
		cmocka_unit_test(test_worker_groups_hold_and_say_when_they_are_empty),
		cmocka_unit_test(test_max_shard_count_is_kept_and_room_is_made),
		cmocka_unit_test(test_a_lowered_limit_sheds_what_finds_room),
		cmocka_unit_test(test_groups_are_even_each),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_everything_pinned_to_one),
		cmocka_unit_test(test_numbers_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
