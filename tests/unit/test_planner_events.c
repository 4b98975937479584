/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Long random histories: containers are lost and join, are drained and come back, shards are added and removed. After each event
 * a plan is made and carried out; none of its moves may be one too many.
 */
#include "planner_cases.h"
#include "planner_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_CONTAINERS 24
#define MOST_SHARDS 400
#define GROUPS 3
#define WORKER_GROUPS 2

struct history {
	struct planner_case *c;
	struct random_state random;
	bool restricted;
};

static void renumber(uint32_t *container, uint32_t gone, uint32_t joined)
{
	if (*container >= PLANNER_ABSENT)
		return;
	if (*container == gone)
		*container = PLANNER_ABSENT;
	else if (gone != PLANNER_NONE && *container > gone)
		(*container)--;
	else if (joined != PLANNER_NONE && *container >= joined)
		(*container)++;
}

static void renumber_all(struct planner_case *c, uint32_t gone, uint32_t joined)
{
	for (uint32_t i = 0; i < c->input.shard_count; i++) {
		renumber(&c->shards[i].owner, gone, joined);
		renumber(&c->shards[i].pin, gone, joined);
	}
	for (uint32_t i = 0; i < c->input.worker_count; i++) {
		renumber(&c->workers[i].container, gone, joined);
		if (c->workers[i].container == PLANNER_ABSENT)
			c->workers[i--] = c->workers[--c->input.worker_count];
	}
}

static void lose(struct history *h)
{
	struct planner_case *c = h->c;
	uint32_t gone = random_below(&h->random, c->input.container_count);

	if (c->input.container_count == 1)
		return;
	renumber_all(c, gone, PLANNER_NONE);
	c->input.container_count--;
	memmove(c->containers + gone, c->containers + gone + 1,
	        (c->input.container_count - gone) * sizeof(*c->containers));
}

static void join(struct history *h)
{
	struct planner_case *c = h->c;
	uint32_t joined = random_below(&h->random, c->input.container_count + 1);

	if (c->input.container_count == MOST_CONTAINERS)
		return;
	renumber_all(c, PLANNER_NONE, joined);
	memmove(c->containers + joined + 1, c->containers + joined,
	        (c->input.container_count - joined) * sizeof(*c->containers));
	c->containers[joined] = (struct planner_container){ false, false };
	c->input.container_count++;
	for (uint32_t g = 0; g < WORKER_GROUPS && h->restricted; g++)
		if (random_chance(&h->random, 60))
			c->workers[c->input.worker_count++] = (struct planner_worker){ g, joined };
}

static void add_shards(struct history *h)
{
	struct planner_case *c = h->c;

	for (uint32_t n = random_below(&h->random, 12); n && c->input.shard_count < MOST_SHARDS; n--) {
		struct planner_shard shard = { 0, PLANNER_NONE, PLANNER_NONE, PLANNER_NONE };

		if (h->restricted) {
			shard.group = random_below(&h->random, GROUPS);
			if (random_chance(&h->random, 40))
				shard.worker_group = random_below(&h->random, WORKER_GROUPS);
			if (random_chance(&h->random, 5))
				shard.pin = random_below(&h->random, c->input.container_count);
		}
		c->shards[c->input.shard_count++] = shard;
	}
}

static void remove_shards(struct history *h)
{
	for (uint32_t n = random_below(&h->random, 12); n && h->c->input.shard_count; n--) {
		uint32_t gone = random_below(&h->random, h->c->input.shard_count--);

		memmove(h->c->shards + gone, h->c->shards + gone + 1,
		        (h->c->input.shard_count - gone) * sizeof(*h->c->shards));
	}
}

static void drain(struct history *h)
{
	struct planner_container *container = &h->c->containers[random_below(&h->random, h->c->input.container_count)];

	container->drained = !container->drained;
}

static void happen(struct history *h)
{
	static void (*const events[])(
	        struct history *) = { lose, join, join, add_shards, remove_shards, add_shards, drain };

	events[random_below(&h->random, h->restricted ? 7 : 6)](h);
}

/* The formula of planner.h; all containers open. */
static uint32_t minimum_of(const struct planner_case *c)
{
	uint32_t held[MOST_CONTAINERS] = { 0 }, above = 0, moves = 0;
	uint32_t q = c->input.shard_count / c->input.container_count,
	         r = c->input.shard_count % c->input.container_count;

	for (uint32_t i = 0; i < c->input.shard_count; i++)
		if (c->shards[i].owner < c->input.container_count)
			held[c->shards[i].owner]++;
	for (uint32_t k = 0; k < c->input.container_count; k++) {
		above += held[k] > q;
		moves += held[k] > q ? held[k] - q : 0;
	}
	return moves - (r < above ? r : above);
}

static uint32_t moves_of(const struct planner_case *c, const struct planner_plan *plan)
{
	uint32_t moves = 0;

	for (uint32_t i = 0; i < plan->move_count; i++)
		moves += plan->moves[i].from < c->input.container_count;
	return moves;
}

static struct history history_start(uint64_t seed, bool restricted)
{
	struct history h = { .random = { seed }, .restricted = restricted };

	h.c = planner_case_new(MOST_CONTAINERS, MOST_SHARDS, 10 * MOST_CONTAINERS * WORKER_GROUPS);
	h.c->input.container_count = 1;
	h.c->input.shard_count = h.c->input.worker_count = 0;
	if (restricted) {
		h.c->input.group_count = GROUPS;
		h.c->input.worker_group_count = WORKER_GROUPS;
	}
	return h;
}

static void test_total_moves_are_the_minimum(void **state)
{
	uint64_t moves = 0, minimum = 0, events = 0;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		struct history h = history_start(planner_cases_seed() + i, false);

		for (int e = 0; e < 250; e++, events++) {
			struct planner_plan plan;

			happen(&h);
			assert_int_equal(planner_plan(&h.c->input, &plan), 0);
			assert_int_equal(plan.unassigned_count, 0);
			moves += moves_of(h.c, &plan);
			minimum += minimum_of(h.c);
			planner_case_apply(h.c, &plan);
			planner_plan_done(&plan);
		}
		planner_case_free(h.c);
	}
	printf("# %llu events, %llu moves, moves / minimum = %.3f\n", (unsigned long long)events,
	        (unsigned long long)moves, (double)moves / (double)minimum);
	assert_true(moves == minimum && moves > 0);
}

static void test_every_plan_of_a_restricted_history_is_proven_best(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 12; i++) {
		struct history h = history_start(planner_cases_seed() + 1000 + i, true);

		for (int e = 0; e < 120; e++) {
			struct planner_plan plan;
			uint32_t *after;

			happen(&h);
			assert_int_equal(planner_plan(&h.c->input, &plan), 0);
			after = planner_case_after(h.c, &plan);
			if (!planner_certificate_holds(h.c, after))
				fail_msg("history %u, event %d", i, e);
			free(after);
			planner_case_apply(h.c, &plan);
			planner_plan_done(&plan);
		}
		planner_case_free(h.c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_total_moves_are_the_minimum),
		cmocka_unit_test(test_every_plan_of_a_restricted_history_is_proven_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
