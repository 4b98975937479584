/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the planner does where there are too many groups for an exact search, shown on snapshots that both ways can do.
 */
#include "planner/planner_search.h"
#include "planner_cases.h"
#include "planner_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t *search(const struct planner_case *c, uint64_t exact)
{
	uint32_t *target = malloc((c->input.shard_count + 1) * sizeof(*target));
	struct planner_survey survey;

	assert_non_null(target);
	assert_int_equal(planner_survey_init(&survey, &c->input), 0);
	assert_int_equal(planner_search(&survey, exact, target), 0);
	planner_survey_done(&survey);
	return target;
}

static bool is_over_limit(const struct planner_case *c)
{
	uint32_t count[ORACLE_CONTAINERS] = { 0 };

	for (uint32_t i = 0; i < c->input.shard_count; i++)
		if (c->shards[i].owner < c->input.container_count && c->input.max_shard_count &&
		        ++count[c->shards[i].owner] > c->input.max_shard_count)
			return true;
	return false;
}

static void test_placement_rules_and_counts_are_exact(void **state)
{
	static const bool closed[ORACLE_CONTAINERS];
	struct random_state random = { planner_cases_seed() };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint32_t containers = 1 + random_below(&random, ORACLE_CONTAINERS);
		struct planner_case_mix mix = { .drained = random_below(&random, 3) * 10,
			.cordoned = random_below(&random, 3) * 10,
			.pinned = random_below(&random, 3) * 5,
			.pin_absent = 20,
			.worker_grouped = random_below(&random, 3) * 40,
			.member = 60,
			.unowned = random_below(&random, 5) * 25,
			.absent = 5,
			.limited = 40,
			.groups = 1 + random_below(&random, 8),
			.worker_groups = random_below(&random, 3) };
		struct planner_case *c =
		        planner_case_new(containers, random_below(&random, 200), containers * mix.worker_groups);
		struct planner_worth best, worth;
		uint32_t *exact, *near;

		planner_case_fill(c, &random, &mix);
		exact = search(c, UINT64_MAX);
		near = search(c, 0);
		planner_oracle_worth(c, exact, &best);
		planner_oracle_worth(c, near, &worth);
		if (!is_over_limit(c)) {
			assert_null(planner_oracle_breach(c, near, closed));
			assert_int_equal(worth.unplaced, best.unplaced);
			assert_int_equal(worth.violations, best.violations);
			assert_int_equal(worth.left_cordoned, best.left_cordoned);
			assert_memory_equal(worth.counts, best.counts, sizeof(best.counts));
		}
		free(exact);
		free(near);
		planner_case_free(c);
	}
}

struct outcome {
	uint64_t squares, group_squares;
	uint32_t moves;
};

static struct outcome judge(const struct planner_case *c, const uint32_t *target)
{
	uint32_t containers = c->input.container_count, cells = containers * c->input.group_count;
	uint32_t *count = calloc(containers, sizeof(*count)), *in_group = calloc(cells, sizeof(*in_group));
	struct outcome outcome = { 0 };

	assert_non_null(count);
	assert_non_null(in_group);
	for (uint32_t i = 0; i < c->input.shard_count; i++) {
		count[target[i]]++;
		in_group[c->shards[i].group * containers + target[i]]++;
		outcome.moves += c->shards[i].owner < containers && c->shards[i].owner != target[i];
	}
	for (uint32_t k = 0; k < containers; k++)
		outcome.squares += (uint64_t)count[k] * count[k];
	for (uint32_t i = 0; i < cells; i++)
		outcome.group_squares += (uint64_t)in_group[i] * in_group[i];
	free(count);
	free(in_group);
	return outcome;
}

static void compare(const char *event, const struct planner_case *c)
{
	uint32_t *exact = search(c, UINT64_MAX), *near = search(c, 0);
	struct outcome best = judge(c, exact), outcome = judge(c, near);

	printf("# %s: groups' squares %.4f of the best, moves %u of %u\n", event,
	        (double)outcome.group_squares / (double)best.group_squares, outcome.moves, best.moves);
	assert_true(outcome.squares == best.squares);
	assert_true(outcome.group_squares <= best.group_squares + best.group_squares / 50);
	assert_true(outcome.moves <= best.moves + best.moves / 2 + 10);
	free(exact);
	free(near);
}

static void test_groups_and_moves_are_near_the_best(void **state)
{
	const uint32_t containers = 200, groups = 300, shards = 12000;
	struct planner_case *c = planner_case_new(containers + 1, shards, 0);
	struct random_state random = { planner_cases_seed() };
	uint32_t *target;

	(void)state;
	c->input.container_count = containers;
	c->input.group_count = groups;
	for (uint32_t i = 0; i < shards; i++)
		c->shards[i].group = random_below(&random, groups);
	compare("from scratch", c);
	target = search(c, UINT64_MAX);
	for (uint32_t i = 0; i < shards; i++)
		c->shards[i].owner = target[i];
	free(target);
	compare("nothing changed", c);
	c->input.container_count++;
	compare("one joined", c);
	c->input.container_count = containers - 1;
	for (uint32_t i = 0; i < shards; i++)
		if (c->shards[i].owner == containers - 1)
			c->shards[i].owner = PLANNER_ABSENT;
	compare("one lost", c);
	for (uint32_t i = 0; i < shards; i++)
		if (c->shards[i].group < 3)
			c->shards[i].owner = c->shards[i].group;
	compare("three groups in one place each", c);
	for (uint32_t i = 0; i < shards; i++)
		c->shards[i].owner = random_below(&random, containers - 1);
	compare("at random", c);
	planner_case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement_rules_and_counts_are_exact),
		cmocka_unit_test(test_groups_and_moves_are_near_the_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
