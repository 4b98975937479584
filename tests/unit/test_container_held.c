/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The held table: deadline, end, growth, ids that come and go, fork, and readers beside a writer (of use under TSan).
 */
#include "container_held.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static void set(struct container_held *held, const char *shard, uint32_t replica, uint64_t token)
{
	struct hash key = container_held_key(held, shard, replica);

	assert_int_equal(container_held_set(held, &key, token), 0);
}

static struct container_held *made(void)
{
	struct container_held *held;

	assert_int_equal(container_held_new(&held), 0);
	container_held_extend(held, clocks_after(clocks_now(), 3600 * SECOND));
	return held;
}

static void hash_is_the_published_one(void **state)
{
	/* The first vector of the authors' test of the 128-bit form: key 00..0f, no input. */
	struct hash_key key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
	struct hash none = hash_bytes(&key, "", 0);

	(void)state;
	assert_int_equal(none.word[0], UINT64_C(0xe6a825ba047f81a3));
	assert_int_equal(none.word[1], UINT64_C(0x930255c71472f66d));
}

static void set_and_clear(void **state)
{
	struct container_held *held = made();

	(void)state;
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	set(held, "s1", 0, 11);
	set(held, "s1", 1, 12);
	assert_int_equal(container_held_get(held, "s1", 0), 11);
	assert_int_equal(container_held_get(held, "s1", 1), 12);
	assert_int_equal(container_held_get(held, "s10", 0), 0);
	set(held, "s1", 0, 0);
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	assert_int_equal(container_held_get(held, "s1", 1), 12);
	set(held, "never", 0, 0);
	container_held_free(held);
}

static void nothing_is_held_after_either_clock_passed(void **state)
{
	struct container_held *held = made();
	struct clocks now = clocks_now();

	(void)state;
	set(held, "s1", 0, 11);
	container_held_extend(held, (struct clocks){ now.boot_ns, now.raw_ns + SECOND });
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	container_held_extend(held, (struct clocks){ now.boot_ns + 3600 * SECOND, now.raw_ns });
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	container_held_extend(held, clocks_after(now, 3600 * SECOND));
	assert_int_equal(container_held_get(held, "s1", 0), 11);
	container_held_free(held);
}

static void end_forgets_everything(void **state)
{
	struct container_held *held = made();

	(void)state;
	set(held, "s1", 0, 11);
	container_held_end(held);
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	container_held_extend(held, clocks_after(clocks_now(), 3600 * SECOND));
	assert_int_equal(container_held_get(held, "s1", 0), 0);
	set(held, "s1", 0, 12);
	assert_int_equal(container_held_get(held, "s1", 0), 12);
	container_held_free(held);
}

static void grows_and_keeps(void **state)
{
	struct container_held *held = made();
	char shard[32];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(shard, sizeof shard, "shard-%u", i);
		set(held, shard, 0, i + 1);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(shard, sizeof shard, "shard-%u", i);
		assert_int_equal(container_held_get(held, shard, 0), i + 1);
		if (i % 2)
			set(held, shard, 0, 0);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(shard, sizeof shard, "shard-%u", i);
		assert_int_equal(container_held_get(held, shard, 0), i % 2 ? 0 : i + 1);
	}
	container_held_free(held);
}

/* Ids that come and go for ever: the memory that a free with leak checking would show is bounded by what is held at a time. */
static void many_ids_over_time(void **state)
{
	struct container_held *held = made();
	char shard[32], old[32];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(shard, sizeof shard, "id-%u", i);
		set(held, shard, 0, i + 1);
		if (i < 20)
			continue;
		snprintf(old, sizeof old, "id-%u", i - 20);
		assert_int_equal(container_held_get(held, old, 0), i - 19);
		set(held, old, 0, 0);
		assert_int_equal(container_held_get(held, old, 0), 0);
		assert_int_equal(container_held_get(held, shard, 0), i + 1);
	}
	assert_true(container_held_bytes(held) < 64 * 1024);
	container_held_free(held);
}

static void child_holds_nothing(void **state)
{
	struct container_held *held = made();
	int status;

	(void)state;
	set(held, "s1", 0, 11);
	assert_false(container_held_forked(held));
	pid_t child = fork();
	if (child == 0)
		_exit(container_held_forked(held) && container_held_get(held, "s1", 0) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(container_held_get(held, "s1", 0), 11);
	container_held_free(held);
}

struct reading {
	struct container_held *held;
	_Atomic bool stop;
	_Atomic unsigned wrong;
};

/* Token of shard n is always n * 1000 + something: a token of another shard would show. */
static void *read_all(void *arg)
{
	struct reading *reading = arg;
	char shard[32];

	while (!reading->stop) {
		for (unsigned n = 1; n < 400; n++) {
			snprintf(shard, sizeof shard, "shard-%u", n);
			uint64_t token = container_held_get(reading->held, shard, 0);
			if (token != 0 && token / 1000 != n)
				reading->wrong++;
		}
		if (container_held_get(reading->held, "always", 0) != 7)
			reading->wrong++;
	}
	return NULL;
}

static void readers_beside_a_writer(void **state)
{
	struct reading reading = { .held = made() };
	pthread_t threads[2];
	char shard[32];

	(void)state;
	set(reading.held, "always", 0, 7);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &reading), 0);
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned n = 1; n < 400; n++) {
			snprintf(shard, sizeof shard, "shard-%u", n);
			set(reading.held, shard, 0, (n + round) % 3 ? n * 1000 + round : 0);
		}
	}
	reading.stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(reading.wrong, 0);
	container_held_free(reading.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_the_published_one),
		cmocka_unit_test(set_and_clear),
		cmocka_unit_test(nothing_is_held_after_either_clock_passed),
		cmocka_unit_test(end_forgets_everything),
		cmocka_unit_test(grows_and_keeps),
		cmocka_unit_test(many_ids_over_time),
		cmocka_unit_test(child_holds_nothing),
		cmocka_unit_test(readers_beside_a_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
