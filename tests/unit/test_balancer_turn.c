/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The balancer without its role: view in, HTTP orders out, against containers of every temper.
 */
#include "balancer_world.h"

#include "common/clocks.h"
#include "common/log.h"

#define SHARDS 120

static bool all_held(struct world *world)
{
	return world_held(world, "S", NULL) == SHARDS;
}

static uint32_t held(struct world *world, uint32_t number)
{
	return world_held(world, "S", world->containers[number].id);
}

/* Three containers share what there is. */
static void settle_three(struct world *world)
{
	world_shards(world, "S", 0, SHARDS);
	for (uint32_t i = 0; i < 3; i++)
		world_join(world, i, "S");
	world_run(world, all_held);
	assert_int_equal(held(world, 0), SHARDS / 3);
	assert_int_equal(held(world, 1), SHARDS / 3);
}

static bool fourth_has_its_part(struct world *world)
{
	return held(world, 3) == SHARDS / 4 && all_held(world);
}

static void test_a_container_joins(void **state)
{
	struct world *world = *state;

	settle_three(world);
	world_join(world, 3, "S");
	world_run(world, fourth_has_its_part);
	world_rest(world, 50);
	assert_int_equal(world->containers[3].adds, SHARDS / 4);
	assert_int_equal(
	        world->containers[0].drops + world->containers[1].drops + world->containers[2].drops, SHARDS / 4);
	assert_in_range(world->containers[3].requests, 1, SHARDS / 4);
}

static void test_a_container_dies(void **state)
{
	struct world *world = *state;
	uint32_t adds;

	settle_three(world);
	adds = world->containers[0].adds + world->containers[1].adds;
	world_close(world, 2);
	world_leave(world, 2);
	world_rest(world, 100);
	assert_int_equal(world->containers[0].adds + world->containers[1].adds, adds); /* its claims still stand */
	world_free_claims(world, "S", world->containers[2].id);
	world_run(world, all_held);
	assert_int_equal(held(world, 0), SHARDS / 2);
	assert_int_equal(world->containers[0].adds + world->containers[1].adds, adds + SHARDS / 3);
	assert_int_equal(world->containers[0].drops + world->containers[1].drops, 0);
}

static void test_a_container_that_comes_back_has_its_shards_again(void **state)
{
	struct world *world = *state;

	settle_three(world);
	world_leave(world, 2);
	world_rest(world, 50);
	world_join(world, 2, "S"); /* its claims are of its earlier incarnation */
	world_rest(world, 50);
	assert_int_equal(world->containers[2].adds, SHARDS / 3);
	world_free_claims(world, "S", world->containers[2].id);
	world_run(world, all_held);
	assert_int_equal(held(world, 2), SHARDS / 3);
	assert_int_equal(world->containers[0].adds + world->containers[1].adds, SHARDS * 2 / 3);
	assert_int_equal(world->containers[0].drops + world->containers[1].drops, 0);
}

static bool nothing_held(struct world *world)
{
	return world_held(world, "S", NULL) == 0;
}

static void test_a_service_is_deleted_and_comes_back(void **state)
{
	struct world *world = *state;
	struct view_service_spec spec = { .spec = "{}", .spec_revision = 1 };

	settle_three(world);
	world_begin(world);
	for (uint32_t i = 0; i < SHARDS; i++) {
		char id[32];

		snprintf(id, sizeof(id), "s%u", i);
		view_writer_shard_remove(world->fixture->writer, "S", id, 0, world->revision);
	}
	view_writer_service_remove(world->fixture->writer, "S", world->revision);
	world_publish(world);
	world_run(world, nothing_held);
	world_begin(world);
	spec.spec_revision = world->revision;
	view_writer_service_put(world->fixture->writer, "S", &spec);
	world_publish(world);
	world_shards(world, "S", 0, SHARDS);
	world_run(world, all_held);
	assert_int_equal(held(world, 0), SHARDS / 3);
}

static bool half_held(struct world *world)
{
	return world_held(world, "S", NULL) == SHARDS / 2;
}

static void test_shards_are_added_and_removed(void **state)
{
	struct world *world = *state;

	settle_three(world);
	world_begin(world);
	for (uint32_t i = 0; i < SHARDS / 2; i++) {
		char id[32];

		snprintf(id, sizeof(id), "s%u", i);
		view_writer_shard_remove(world->fixture->writer, "S", id, 0, world->revision);
	}
	world_publish(world);
	world_run(world, half_held);
	world_shards(world, "S", 1000, SHARDS / 2);
	world_run(world, all_held);
	world_rest(world, 50);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(held(world, i), SHARDS / 3);
}

static void test_an_add_that_fails_is_repeated(void **state)
{
	struct world *world = *state;

	world->containers[1].fail_adds = SHARDS / 3 + 7;
	settle_three(world);
	assert_int_equal(world->containers[1].fail_adds, 0);
	assert_int_equal(world->containers[1].adds, SHARDS / 3 + SHARDS / 3 + 7);
}

static bool all_but_one(struct world *world)
{
	return world_held(world, "S", NULL) == SHARDS - 1;
}

static void test_an_add_that_hangs_delays_no_other(void **state)
{
	struct world *world = *state;

	world->containers[0].hangs = "s7";
	world_shards(world, "S", 0, SHARDS);
	world_join(world, 0, "S");
	world_run(world, all_but_one);
	world_rest(world, WORLD_TIMEOUT_MS + 100); /* longer than a request may stay untaken */
	assert_int_equal(world->containers[0].adds, SHARDS);
	assert_int_equal(world->containers[0].open_count, 1);
	world->containers[0].hangs = NULL;
	world_shards(world, "S", SHARDS, 1);
	world_run(world, all_held);
	/* its session ends and a new one begins: asked again */
	world_leave(world, 0);
	world_free_claims(world, "S", world->containers[0].id);
	world_join(world, 0, "S");
	world_rest(world, 100);
	assert_int_equal(world_held(world, "S", NULL), SHARDS + 1);
}

static void test_a_container_that_breaks_off(void **state)
{
	struct world *world = *state;

	world->containers[1].breaks = true;
	world->containers[2].babbles = true;
	settle_three(world);
	world_rest(world, 200);
	assert_true(all_held(world));
}

static bool others_have_all(struct world *world)
{
	return held(world, 0) + held(world, 1) == SHARDS;
}

static void test_a_container_that_refuses_gets_nothing_and_keeps_what_it_has(void **state)
{
	struct world *world = *state;

	world->containers[2].refuses = true;
	world_shards(world, "S", 0, SHARDS);
	for (uint32_t i = 0; i < 3; i++)
		world_join(world, i, "S");
	world_run(world, others_have_all);
	world->containers[2].refuses = false;
	while (held(world, 2) < SHARDS / 3)
		world_run(world, all_held), world_rest(world, 20);
	assert_in_range(world->containers[2].probes, 1, 20);
	world_rest(world, 50);
	world->containers[2].refuses = true;
	world_shards(world, "S", SHARDS, 3);
	world_rest(world, 300);
	assert_int_equal(held(world, 2), SHARDS / 3);
	assert_int_equal(world_held(world, "S", NULL), SHARDS + 3);
}

static void test_a_container_that_cannot_be_reached(void **state)
{
	struct world *world = *state;

	world_join(world, 2, "S");
	world_close(world, 2);
	world_shards(world, "S", 0, SHARDS);
	world_join(world, 0, "S");
	world_join(world, 1, "S");
	world_run(world, others_have_all);
}

static void test_a_stale_view_is_not_acted_upon(void **state)
{
	struct world *world = *state;

	settle_three(world);
	world_begin(world);
	view_help_shard(world->fixture->writer, "S", "new", "task", world->revision);
	view_writer_publish(world->fixture->writer, (uint64_t)world->revision);
	view_writer_synced(world->fixture->writer, clocks_now().boot_ns / 1000000u - 11000);
	world_rest(world, 300);
	assert_true(all_held(world));
	view_writer_synced(world->fixture->writer, clocks_now().boot_ns / 1000000u);
	world_rest(world, 300);
	assert_int_equal(world_held(world, "S", NULL), SHARDS + 1);
}

static bool all_of_the_many_held(struct world *world)
{
	return world_held(world, "S", NULL) == SHARDS + 20000;
}

static void test_sync_starts_a_new_segment(void **state)
{
	struct world *world = *state;
	uint32_t adds;

	settle_three(world);
	adds = world->containers[0].adds + world->containers[1].adds + world->containers[2].adds;
	/* growth moves everything to a larger segment: every row has another number */
	world_shards(world, "S", SHARDS, 20000);
	world_run(world, all_of_the_many_held);
	assert_int_equal(world_held(world, "S", NULL), SHARDS + 20000);
	assert_int_equal(
	        world->containers[0].adds + world->containers[1].adds + world->containers[2].adds, adds + 20000);
	assert_int_equal(world->containers[0].drops + world->containers[1].drops + world->containers[2].drops, 0);
}

static void test_a_new_balancer_moves_nothing(void **state)
{
	struct world *world = *state;
	uint32_t requests;

	settle_three(world);
	requests = world->containers[0].requests + world->containers[1].requests + world->containers[2].requests;
	balancer_turn_free(world->turn);
	assert_int_equal(balancer_turn_new(world->base, world->view, 300, NULL, NULL, &world->turn), 0);
	world_rest(world, 1200);
	assert_int_equal(world->containers[0].requests + world->containers[1].requests + world->containers[2].requests,
	        requests);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_container_joins),
		TEST(test_a_container_dies),
		TEST(test_a_container_that_comes_back_has_its_shards_again),
		TEST(test_a_service_is_deleted_and_comes_back),
		TEST(test_shards_are_added_and_removed),
		TEST(test_an_add_that_fails_is_repeated),
		TEST(test_an_add_that_hangs_delays_no_other),
		TEST(test_a_container_that_breaks_off),
		TEST(test_a_container_that_refuses_gets_nothing_and_keeps_what_it_has),
		TEST(test_a_container_that_cannot_be_reached),
		TEST(test_a_stale_view_is_not_acted_upon),
		TEST(test_sync_starts_a_new_segment),
		TEST(test_a_new_balancer_moves_nothing),
	};

	log_init("test", LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
