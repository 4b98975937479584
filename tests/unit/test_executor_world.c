/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * executor.h against a toy world: containers that claim, fail, hang, die and come back; a view that is late; answers that are late or
 * never come. Whatever happens, no add is given out while the view shows somebody else's claim; when the faults end, every shard is where the
 * planner wants it; and without faults there are exactly the planned moves.
 */
#include "balancer/executor.h"
#include "planner/planner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHARDS = 480, CONTAINERS = 6, IN_FLIGHT = 4 * SHARDS, LOCK_DELAY = 40 };
#define NOBODY EXECUTOR_NONE

struct claim {
	uint32_t container; /* index in the world, NOBODY */
	uint32_t incarnation;
	bool ready;
};
struct order { /* under way to a container, or its answer back */
	bool used, answering;
	struct executor_order order;
	uint32_t container, incarnation;
	int code;
	uint64_t due;
};
struct world {
	struct executor *executor;
	uint32_t random;
	uint64_t now;
	bool faults;
	uint32_t alive[CONTAINERS]; /* incarnation, 0 = dead */
	uint64_t died_at[CONTAINERS];
	uint32_t index[CONTAINERS];    /* number in the executor, NOBODY */
	uint32_t world_of[CONTAINERS]; /* and back */
	uint32_t count, incarnations;
	struct claim truth[SHARDS], view[SHARDS];
	uint64_t view_due[SHARDS]; /* the view takes over the truth then; 0 = it has */
	uint64_t ready_due[SHARDS];
	struct order orders[IN_FLIGHT];
	bool plan_stale;
	uint32_t claims, planned;
};

static uint32_t any(struct world *world, uint32_t below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 17;
	world->random ^= world->random << 5;
	return world->random % below;
}

static void set_truth(struct world *world, uint32_t shard, struct claim claim)
{
	world->truth[shard] = claim;
	if (!world->view_due[shard])
		world->view_due[shard] = world->now + 1 + any(world, 5);
}

static void see(struct world *world, uint32_t shard)
{
	struct claim *claim = &world->view[shard];
	struct executor_claim seen = { .container = NOBODY, .ready = claim->ready };

	if (claim->container != NOBODY) {
		seen.container =
		        world->index[claim->container] == NOBODY ? EXECUTOR_AWAY : world->index[claim->container];
		seen.current = world->alive[claim->container] == claim->incarnation;
	}
	world->plan_stale |= executor_claimed(world->executor, shard, seen, world->now);
}

/* The containers that live, numbered anew; fresh: one that was started anew, or NOBODY. */
static void renumber(struct world *world, uint32_t fresh)
{
	uint32_t shard_was[SHARDS], container_is[CONTAINERS];
	bool anew[CONTAINERS];
	struct executor_numbering numbering = {
		.shard_count = SHARDS, .shard_was = shard_was, .container_is = container_is, .container_anew = anew
	};
	uint32_t were = world->count, world_was[CONTAINERS];

	memcpy(world_was, world->world_of, sizeof(world_was));
	world->count = 0;
	for (uint32_t c = 0; c < CONTAINERS; c++) {
		world->index[c] = world->alive[c] ? world->count : NOBODY;
		if (world->alive[c])
			world->world_of[world->count++] = c;
	}
	for (uint32_t i = 0; i < were; i++) {
		container_is[i] = world->index[world_was[i]];
		anew[i] = world_was[i] == fresh;
	}
	for (uint32_t s = 0; s < SHARDS; s++)
		shard_was[s] = s;
	numbering.container_count = world->count;
	assert_int_equal(executor_renumber(world->executor, &numbering), 0);
	for (uint32_t s = 0; s < SHARDS; s++)
		see(world, s);
	world->plan_stale = true;
}

static void make_plan(struct world *world)
{
	struct planner_container containers[CONTAINERS] = { 0 };
	struct planner_shard shards[SHARDS];
	uint32_t wanted[SHARDS];
	struct planner_input input = { .containers = containers,
		.container_count = world->count,
		.shards = shards,
		.shard_count = SHARDS,
		.group_count = 1 };
	struct planner_plan plan;

	for (uint32_t c = 0; c < world->count; c++)
		containers[c].cordoned = executor_closed(world->executor, c);
	for (uint32_t s = 0; s < SHARDS; s++) {
		uint32_t owner = executor_owner(world->executor, s);

		shards[s] = (struct planner_shard){ .worker_group = PLANNER_NONE, .pin = PLANNER_NONE, .owner = owner };
		wanted[s] = owner == EXECUTOR_AWAY ? NOBODY : owner;
	}
	assert_int_equal(planner_plan(&input, &plan), 0);
	for (uint32_t i = 0; i < plan.move_count; i++)
		wanted[plan.moves[i].shard] = plan.moves[i].to;
	world->planned += plan.move_count;
	planner_plan_done(&plan);
	for (uint32_t s = 0; s < SHARDS; s++)
		executor_want(world->executor, s, wanted[s], true, world->now);
	world->plan_stale = false;
}

static void check_order(struct world *world, uint32_t container, const struct executor_order *order)
{
	const struct claim *seen = &world->view[order->shard];

	if (order->op == EXECUTOR_ADD)
		assert_true(seen->container == NOBODY || seen->container == container);
	else
		assert_int_equal(seen->container, container);
}

static void give_out(struct world *world)
{
	executor_wake(world->executor, world->now);
	for (uint32_t i = 0; i < world->count; i++) {
		struct executor_order order;

		while (executor_take(world->executor, i, world->now, 1, &order)) {
			uint32_t slot = 0, container = world->world_of[i];

			check_order(world, container, &order);
			while (world->orders[slot].used)
				assert_true(++slot < IN_FLIGHT);
			world->orders[slot] = (struct order){ .used = true,
				.order = order,
				.container = container,
				.incarnation = world->alive[container],
				.due = world->now + 1 + any(world, 10) };
		}
		if (executor_probe(world->executor, i, world->now))
			world->plan_stale |= executor_reached(world->executor, i, world->now);
	}
}

/* What the container does with it; true: it is not answered yet. */
static bool carry_out(struct world *world, struct order *order)
{
	struct claim *claim = &world->truth[order->order.shard];
	bool mine = claim->container == order->container;

	order->answering = true;
	order->due = world->now + 1 + any(world, 10);
	if (world->faults && any(world, 20) == 0) {
		order->code = -7;
		return true;
	}
	if (order->order.op == EXECUTOR_DROP) {
		if (mine)
			set_truth(world, order->order.shard, (struct claim){ .container = NOBODY });
	} else if (claim->container == NOBODY) {
		bool ready = !world->faults || any(world, 4) != 0;

		world->claims++;
		set_truth(world, order->order.shard,
		        (struct claim){
		                .container = order->container, .incarnation = order->incarnation, .ready = ready });
		if (!ready && any(world, 2))
			world->ready_due[order->order.shard] = world->now + any(world, 30);
	} else if (mine && claim->incarnation == order->incarnation) {
		claim->ready = true;
		set_truth(world, order->order.shard, *claim);
	} else {
		order->code = -6;
	}
	return true;
}

static void answer(struct world *world, struct order *order)
{
	uint32_t container = world->index[order->container];
	bool broken = world->faults && any(world, 10) == 0;

	order->used = false;
	if (broken && container != NOBODY && world->alive[order->container] == order->incarnation) {
		world->plan_stale |= executor_unreachable(world->executor, container, any(world, 3) == 0, world->now);
		executor_unanswered(world->executor, order->order.shard, order->order.sequence, world->now);
		return;
	}
	if (container != NOBODY && world->alive[order->container] == order->incarnation)
		world->plan_stale |= executor_reached(world->executor, container, world->now);
	executor_answered(world->executor, order->order.shard, order->order.sequence, order->code, world->now);
}

static void work(struct world *world)
{
	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		struct order *order = &world->orders[i];

		if (!order->used || order->due > world->now)
			continue;
		if (world->alive[order->container] != order->incarnation)
			order->used = false; /* as dead as its container */
		else if (order->answering)
			answer(world, order);
		else
			carry_out(world, order);
	}
}

static void pass_time(struct world *world)
{
	for (uint32_t s = 0; s < SHARDS; s++) {
		struct claim *claim = &world->truth[s];

		if (claim->container != NOBODY && world->alive[claim->container] != claim->incarnation &&
		        world->now > world->died_at[claim->container] + LOCK_DELAY)
			set_truth(world, s, (struct claim){ .container = NOBODY });
		if (world->ready_due[s] && world->ready_due[s] <= world->now) {
			world->ready_due[s] = 0;
			if (claim->container != NOBODY) {
				claim->ready = true;
				set_truth(world, s, *claim);
			}
		}
		if (world->view_due[s] && world->view_due[s] <= world->now) {
			world->view_due[s] = 0;
			world->view[s] = *claim;
			see(world, s);
		}
	}
}

static void start(struct world *world, uint32_t container)
{
	world->alive[container] = ++world->incarnations;
	renumber(world, container);
}

static void kill_one(struct world *world, uint32_t container)
{
	world->alive[container] = 0;
	world->died_at[container] = world->now;
	renumber(world, NOBODY);
}

static void misfortune(struct world *world)
{
	uint32_t container = any(world, CONTAINERS), shard = any(world, SHARDS);

	if (any(world, 100) == 0) {
		if (!world->alive[container])
			start(world, container);
		else if (any(world, 2))
			kill_one(world, container);
		else {
			world->died_at[container] = world->now;
			start(world, container); /* so fast that nobody saw it gone */
		}
	}
	/* a late order of an earlier balancer */
	if (any(world, 200) == 0 && world->alive[container] && world->truth[shard].container == NOBODY)
		set_truth(world, shard,
		        (struct claim){
		                .container = container, .incarnation = world->alive[container], .ready = true });
	if (any(world, 300) == 0 && world->truth[shard].container != NOBODY)
		set_truth(world, shard, (struct claim){ .container = NOBODY });
}

static void step(struct world *world)
{
	world->now++;
	if (world->faults)
		misfortune(world);
	pass_time(world);
	work(world);
	if (world->plan_stale)
		make_plan(world);
	give_out(world);
}

/* Shards without owner, or soon so, that are on their way to the same container. */
static void check_moves(const struct world *world)
{
	uint32_t moving[CONTAINERS] = { 0 };

	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		const struct order *order = &world->orders[i];
		uint32_t wanted = order->used ? executor_wanted(world->executor, order->order.shard) : NOBODY;

		if (order->used && order->order.op == EXECUTOR_DROP && wanted != NOBODY)
			moving[wanted]++;
	}
	for (uint32_t c = 0; c < CONTAINERS; c++)
		assert_in_range(moving[c], 0, EXECUTOR_MOVES_HERE);
}

static bool settled(const struct world *world)
{
	for (uint32_t s = 0; s < SHARDS; s++) {
		if (!executor_settled(world->executor, s) || world->view_due[s] ||
		        executor_wanted(world->executor, s) == NOBODY)
			return false;
	}
	return !world->plan_stale;
}

static void run_until_settled(struct world *world, uint64_t most)
{
	uint64_t end = world->now + most;

	while (!settled(world) && world->now < end)
		step(world);
	assert_true(settled(world));
}

static void begin(struct world *world, uint32_t seed)
{
	*world = (struct world){ .random = seed * 2654435761u | 1, .now = 1 };
	assert_int_equal(executor_new(seed, &world->executor), 0);
	for (uint32_t s = 0; s < SHARDS; s++)
		world->truth[s].container = world->view[s].container = NOBODY;
	{
		uint32_t shard_was[SHARDS];
		struct executor_numbering first = { .shard_count = SHARDS, .shard_was = shard_was };

		memset(shard_was, 0xff, sizeof(shard_was));
		assert_int_equal(executor_renumber(world->executor, &first), 0);
	}
}

static void check_spread(const struct world *world)
{
	uint32_t held[CONTAINERS] = { 0 }, least = SHARDS, most = 0;

	for (uint32_t s = 0; s < SHARDS; s++)
		held[world->truth[s].container]++;
	for (uint32_t c = 0; c < CONTAINERS; c++) {
		if (!world->alive[c])
			continue;
		least = held[c] < least ? held[c] : least;
		most = held[c] > most ? held[c] : most;
	}
	assert_in_range(most - least, 0, 1);
}

static void test_faults_then_convergence(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 30; seed++) {
		struct world world;

		begin(&world, seed);
		start(&world, 0);
		world.faults = true;
		for (int i = 0; i < 2000; i++)
			step(&world);
		world.faults = false;
		if (!world.count)
			start(&world, any(&world, CONTAINERS));
		run_until_settled(&world, 2 * EXECUTOR_BACKOFF_MAX_MS);
		check_spread(&world);
		executor_free(world.executor);
	}
}

static void test_without_faults_exactly_the_planned_moves(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct world world;

		begin(&world, seed);
		for (uint32_t c = 0; c < 3; c++)
			start(&world, c);
		run_until_settled(&world, 1000);
		assert_int_equal(world.claims, SHARDS);
		start(&world, 3);
		while (!settled(&world)) {
			step(&world);
			check_moves(&world);
		}
		assert_int_equal(world.claims, SHARDS + SHARDS / 4);
		/* the fifth comes while the moves to the fourth are under way: theirs are not moved twice */
		kill_one(&world, 3);
		run_until_settled(&world, 1000);
		assert_int_equal(world.claims, SHARDS + 2 * (SHARDS / 4));
		assert_int_equal(world.claims, world.planned);
		start(&world, 3);
		for (uint32_t i = 0; i < seed % 12; i++)
			step(&world);
		start(&world, 4);
		run_until_settled(&world, 1000);
		check_spread(&world);
		assert_in_range(world.claims, SHARDS + 3 * (SHARDS / 4), world.planned);
		executor_free(world.executor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_then_convergence),
		cmocka_unit_test(test_without_faults_exactly_the_planned_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
