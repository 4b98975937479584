/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The planner against an oracle that tries everything, against proofs where that would take too long, against the
 * formula, and against itself.
 */
#include "planner_cases.h"
#include "planner_certificate.h"
#include "planner_oracle.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORACLE_CASES 30000
#define PROVEN_CASES 3000

static void show(const struct planner_case *c, const uint32_t *after)
{
	printf("# max_shard_count %u\n", c->input.max_shard_count);
	for (uint32_t i = 0; i < c->input.container_count; i++)
		printf("# container %u%s%s\n", i, c->containers[i].drained ? " drained" : "",
		        c->containers[i].cordoned ? " cordoned" : "");
	for (uint32_t i = 0; i < c->input.worker_count; i++)
		printf("# worker group %u: container %u\n", c->workers[i].worker_group, c->workers[i].container);
	for (uint32_t i = 0; i < c->input.shard_count; i++)
		printf("# shard %u group %u worker group %d pin %d owner %d -> %d\n", i, c->shards[i].group,
		        (int)c->shards[i].worker_group, (int)c->shards[i].pin, (int)c->shards[i].owner, (int)after[i]);
}

static void show_worth(const char *name, const struct planner_worth *worth)
{
	printf("# %s: unplaced %u violations %u left_cordoned %u counts", name, worth->unplaced, worth->violations,
	        worth->left_cordoned);
	for (int i = 0; i < ORACLE_CONTAINERS; i++)
		printf(" %u", worth->counts[i]);
	printf(" group squares %llu moves %u\n", (unsigned long long)worth->group_squares, worth->moves);
}

/* Containers that were over the limit and still are: the planner lets them take nothing. */
static void find_closed(const struct planner_case *c, const uint32_t *after, bool *closed)
{
	for (uint32_t k = 0; k < c->input.container_count; k++) {
		uint32_t before_count = 0, after_count = 0;

		for (uint32_t i = 0; i < c->input.shard_count; i++) {
			before_count += c->shards[i].owner == k;
			after_count += after[i] == k;
		}
		closed[k] = c->input.max_shard_count && before_count > c->input.max_shard_count &&
		            after_count > c->input.max_shard_count;
	}
}

static bool is_well_formed(const struct planner_case *c, const struct planner_plan *plan)
{
	uint32_t unowned = 0, placed = 0;

	for (uint32_t i = 0; i < c->input.shard_count; i++)
		unowned += c->shards[i].owner >= c->input.container_count;
	for (uint32_t i = 0; i < plan->move_count; i++) {
		const struct planner_move *move = &plan->moves[i];

		if ((i && plan->moves[i - 1].shard >= move->shard) || move->from != c->shards[move->shard].owner ||
		        move->from == move->to || !strcmp(planner_cause_name(move->cause), "unknown"))
			return false;
		placed += move->from >= c->input.container_count;
	}
	for (uint32_t i = 0; i < plan->unassigned_count; i++)
		if ((i && plan->unassigned[i - 1].shard >= plan->unassigned[i].shard) ||
		        !strcmp(planner_reason_name(plan->unassigned[i].reason), "unknown"))
			return false;
	return placed + plan->unassigned_count == unowned;
}

/* The plan breaks no rule and is worth as much as the best. */
static bool is_best(const struct planner_case *c, const struct planner_plan *plan)
{
	uint32_t *after = planner_case_after(c, plan);
	bool closed[ORACLE_CONTAINERS] = { false };
	struct planner_worth worth, best;
	const char *breach;
	bool good;

	find_closed(c, after, closed);
	breach = planner_oracle_breach(c, after, closed);
	planner_oracle_worth(c, after, &worth);
	planner_oracle_best(c, closed, &best);
	good = !breach && !planner_worth_compare(&worth, &best) && is_well_formed(c, plan);
	if (!good) {
		show(c, after);
		show_worth("planned", &worth);
		show_worth("best", &best);
		printf("# breach: %s\n", breach ? breach : "none");
	}
	free(after);
	return good;
}

static bool is_settled(struct planner_case *c, const struct planner_plan *plan)
{
	struct planner_plan again;
	bool settled;

	planner_case_apply(c, plan);
	assert_int_equal(planner_plan(&c->input, &again), 0);
	settled = again.move_count == 0 && again.unassigned_count == plan->unassigned_count;
	if (!settled) {
		uint32_t *after = planner_case_after(c, &again);

		printf("# a second plan moves %u\n", again.move_count);
		show(c, after);
		free(after);
	}
	planner_plan_done(&again);
	return settled;
}

static struct planner_case_mix random_mix(struct random_state *random)
{
	return (struct planner_case_mix){ .drained = random_below(random, 4) * 10,
		.cordoned = random_below(random, 3) * 12,
		.pinned = random_below(random, 4) * 12,
		.pin_absent = 20,
		.worker_grouped = random_below(random, 4) * 30,
		.member = 40 + random_below(random, 40),
		.unowned = random_below(random, 5) * 25,
		.absent = random_below(random, 3) * 10,
		.limited = random_below(random, 3) * 50,
		.groups = 1 + random_below(random, 3),
		.worker_groups = random_below(random, 3) };
}

static void test_small_cases_are_as_good_as_the_best(void **state)
{
	struct random_state random = { planner_cases_seed() };

	(void)state;
	for (int i = 0; i < ORACLE_CASES; i++) {
		uint32_t containers = random_below(&random, i % 8 ? 5 : 6);
		uint32_t shards = random_below(&random, containers > 4 ? 6 : containers > 3 ? 7 : 8);
		struct planner_case_mix mix = random_mix(&random);
		struct planner_case *c = planner_case_new(containers, shards, containers * mix.worker_groups);
		struct planner_plan plan;

		planner_case_fill(c, &random, &mix);
		assert_int_equal(planner_plan(&c->input, &plan), 0);
		if (!is_best(c, &plan) || !is_settled(c, &plan))
			fail_msg("case %d", i);
		planner_plan_done(&plan);
		planner_case_free(c);
	}
}

static bool is_over_limit(const struct planner_case *c)
{
	for (uint32_t k = 0; k < c->input.container_count; k++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < c->input.shard_count; i++)
			count += c->shards[i].owner == k;
		if (c->input.max_shard_count && count > c->input.max_shard_count)
			return true;
	}
	return false;
}

static void test_larger_cases_are_proven_best(void **state)
{
	struct random_state random = { planner_cases_seed() + 1 };
	int proven = 0;

	(void)state;
	for (int i = 0; i < PROVEN_CASES; i++) {
		uint32_t containers = 1 + random_below(&random, 12), shards = random_below(&random, 150);
		struct planner_case_mix mix = random_mix(&random);
		struct planner_case *c = planner_case_new(containers, shards, containers * mix.worker_groups);
		struct planner_plan plan;
		uint32_t *after;

		mix.cordoned = 0;
		planner_case_fill(c, &random, &mix);
		assert_int_equal(planner_plan(&c->input, &plan), 0);
		assert_true(is_well_formed(c, &plan));
		after = planner_case_after(c, &plan);
		if (!is_over_limit(c)) {
			proven++;
			if (!planner_certificate_holds(c, after)) {
				show(c, after);
				fail_msg("case %d is not the best", i);
			}
		}
		if (!is_settled(c, &plan))
			fail_msg("case %d", i);
		free(after);
		planner_plan_done(&plan);
		planner_case_free(c);
	}
	printf("# proven: %d of %d\n", proven, PROVEN_CASES);
}

static uint32_t formula(const struct planner_case *c)
{
	uint32_t containers = c->input.container_count, q, r, above = 0, moves = 0;

	q = c->input.shard_count / containers;
	r = c->input.shard_count % containers;
	for (uint32_t k = 0; k < containers; k++) {
		uint32_t held = 0;

		for (uint32_t i = 0; i < c->input.shard_count; i++)
			held += c->shards[i].owner == k;
		if (held > q) {
			moves += held - q;
			above++;
		}
	}
	return moves - (r < above ? r : above);
}

static uint32_t count_moves(const struct planner_case *c, const struct planner_plan *plan)
{
	uint32_t moves = 0;

	for (uint32_t i = 0; i < plan->move_count; i++)
		moves += plan->moves[i].from < c->input.container_count;
	return moves;
}

static void test_one_group_follows_the_formula(void **state)
{
	struct random_state random = { planner_cases_seed() + 2 };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint32_t containers = 1 + random_below(&random, 30), shards = random_below(&random, 400),
		         low = UINT32_MAX;
		struct planner_case_mix mix = { .unowned = random_below(&random, 5) * 25, .absent = 5, .groups = 1 };
		struct planner_case *c = planner_case_new(containers, shards, 0);
		struct planner_plan plan;
		uint32_t minimum, high = 0;

		planner_case_fill(c, &random, &mix);
		minimum = formula(c);
		assert_int_equal(planner_plan(&c->input, &plan), 0);
		assert_true(is_well_formed(c, &plan));
		assert_int_equal(plan.unassigned_count, 0);
		assert_int_equal(count_moves(c, &plan), minimum);
		assert_true(is_settled(c, &plan));
		for (uint32_t k = 0; k < containers; k++) {
			uint32_t held = 0;

			for (uint32_t s = 0; s < shards; s++)
				held += c->shards[s].owner == k;
			low = held < low ? held : low;
			high = held > high ? held : high;
		}
		assert_true(high - low <= 1);
		planner_plan_done(&plan);
		planner_case_free(c);
	}
}

static void test_the_same_snapshot_gives_the_same_plan(void **state)
{
	struct random_state random = { planner_cases_seed() + 3 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t containers = 1 + random_below(&random, 10);
		struct planner_case_mix mix = random_mix(&random);
		struct planner_case *c =
		        planner_case_new(containers, random_below(&random, 100), containers * mix.worker_groups);
		struct planner_plan plan, again;

		planner_case_fill(c, &random, &mix);
		assert_int_equal(planner_plan(&c->input, &plan), 0);
		for (uint32_t w = c->input.worker_count; w > 1; w--) {
			uint32_t other = random_below(&random, w);
			struct planner_worker swap = c->workers[w - 1];

			c->workers[w - 1] = c->workers[other];
			c->workers[other] = swap;
		}
		assert_int_equal(planner_plan(&c->input, &again), 0);
		assert_true(plan.hash == again.hash);
		assert_int_equal(plan.move_count, again.move_count);
		assert_memory_equal(plan.moves, again.moves, plan.move_count * sizeof(*plan.moves));
		planner_plan_done(&again);
		if (c->input.shard_count) {
			c->shards[random_below(&random, c->input.shard_count)].owner ^= 1;
			if (planner_plan(&c->input, &again) == 0) {
				assert_true(plan.hash != again.hash);
				planner_plan_done(&again);
			}
		}
		planner_plan_done(&plan);
		planner_case_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_cases_are_as_good_as_the_best),
		cmocka_unit_test(test_larger_cases_are_proven_best),
		cmocka_unit_test(test_one_group_follows_the_formula),
		cmocka_unit_test(test_the_same_snapshot_gives_the_same_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
