/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two keys with one fingerprint. This program has its own copy of shm/, compiled with 20 bits of fingerprint, so that it can look
 * for a key that collides.
 */
#include "view_hash.h"
#include "view_help.h"
#include "view_map.h"

#define KEYS 10

/* An id that has the fingerprint of id 0 under the seed of now. */
static void collide(const struct view *view, char *ret_id, size_t bytes)
{
	uint64_t seed = view->segment->seed, wanted = view_hash(seed, "s", 1, "k0", 2, 0);
	for (unsigned i = 0;; i++) {
		size_t length = (size_t)snprintf(ret_id, bytes, "x%u", i);
		if (view_hash(seed, "s", 1, ret_id, length, 0) == wanted)
			return;
	}
}

static void check(const struct view *view, const char *const *more, unsigned count)
{
	struct view_owner owner;
	for (int i = 0; i < KEYS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "k%d", i);
		assert_true(view_help_lookup(view, "s", id, &owner));
		assert_int_equal(owner.token, i + 1);
	}
	for (unsigned i = 0; i < count; i++) {
		assert_true(view_help_lookup(view, "s", more[i], &owner));
		assert_int_equal(owner.token, 100 + i);
	}
}

static void test_collision(void **state)
{
	struct view_fixture *fixture = *state;
	char ids[5][16];
	const char *more[5];
	struct view *view;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	view_writer_begin(writer);
	for (int i = 0; i < KEYS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "k%d", i);
		view_help_claim(writer, "s", id, "h:1", i + 1);
	}
	view_writer_publish(writer, 50);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t number = view->number;
		more[i] = ids[i];
		collide(view_writer_view(writer), ids[i], sizeof(ids[i]));
		struct view_owner owner;
		/* nobody has compared the bytes: what a lookup of a key that does not exist may answer, once in 2^64 */
		assert_true(view_help_lookup(view, "s", ids[i], &owner));
		assert_int_equal(view_shard_find(view, 0, ids[i], 0), VIEW_NONE);
		view_writer_begin(writer);
		view_help_claim(writer, "s", ids[i], "h:1", 100 + i);
		view_writer_publish(writer, 100 + i);
		assert_int_equal(view_refresh(view), 1);
		assert_true(view->number > number);
		check(view, more, i + 1);
	}
	view_close(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_collision, view_help_setup, view_help_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
