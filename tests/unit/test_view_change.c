/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * How readers learn that something changed: the ring and the versions of services.
 */
#include "shardmgr.h"
#include "view_help.h"

#define CHANGES 64

static void expect(const struct view *view, uint64_t *cursor, const enum view_kind *kinds)
{
	struct view_change changes[CHANGES];
	int count = view_change_read(view, cursor, changes, CHANGES);
	for (int i = 0; i < count; i++)
		assert_int_equal(changes[i].kind, kinds[i]);
	assert_true(count >= 0 && kinds[count] == 0);
}
#define EXPECT(...) expect(view, &cursor, (const enum view_kind[]){ __VA_ARGS__ __VA_OPT__(, ) 0 })

static void test_kinds(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	uint64_t cursor = view_change_cursor(view);
	struct view_service_spec spec = { .spec = "{}", .spec_revision = 1 };
	struct view_session session = { .incarnation = 1, .heartbeat = "1" };
	view_writer_begin(writer);
	EXPECT();
	view_writer_service_put(writer, "s", &spec);
	view_writer_service_put(writer, "s", &spec);
	EXPECT(VIEW_SERVICE);
	view_help_shard(writer, "s", "a", "", 2);
	view_help_shard(writer, "s", "a", "", 2);
	EXPECT(VIEW_SHARD);
	view_writer_container_put(writer, "s", "h:1", &session, 3);
	view_writer_container_put(writer, "s", "h:1", &session, 3);
	EXPECT(VIEW_CONTAINER);
	session.heartbeat = "2";
	view_writer_container_put(writer, "s", "h:1", &session, 4);
	EXPECT(VIEW_HEARTBEAT);
	view_help_claim(writer, "s", "a", "h:1", 5);
	view_help_claim(writer, "s", "a", "h:1", 5);
	EXPECT(VIEW_CLAIM);
	view_writer_worker_put(writer, "s", "g", "h:1", 6);
	view_writer_worker_put(writer, "s", "g", "h:1", 6);
	EXPECT(VIEW_WORKER);
	view_writer_worker_remove(writer, "s", "g", "h:1", 7);
	view_writer_claim_remove(writer, "s", "a", 0, 7);
	view_writer_claim_remove(writer, "s", "a", 0, 7);
	view_writer_shard_remove(writer, "s", "a", 0, 7);
	view_writer_container_gone(writer, "s", "h:1", 1, 7);
	view_writer_service_remove(writer, "s", 7);
	view_writer_service_remove(writer, "s", 7);
	EXPECT(VIEW_WORKER, VIEW_CLAIM, VIEW_SHARD, VIEW_CONTAINER, VIEW_SERVICE);
	/* a claim tells of all rows that it brings along */
	view_help_claim(writer, "t", "b", "h:2", 8);
	EXPECT(VIEW_SERVICE, VIEW_CONTAINER, VIEW_SHARD, VIEW_CLAIM);
	view_writer_publish(writer, 8);
}

static void test_follow_and_lag(void **state)
{
	struct view_fixture *fixture = *state;
	struct view_change changes[CHANGES];
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	view_writer_begin(writer);
	view_help_shard(writer, "s", "a", "", 1);
	uint64_t cursor = view_change_cursor(view), lagged = cursor, read = 0;
	for (int64_t i = 2; i < 100002; i++) {
		view_help_shard(writer, "s", "a", "", i);
		if (i % CHANGES != 0)
			continue;
		int count = view_change_read(view, &cursor, changes, CHANGES);
		assert_true(count > 0);
		assert_int_equal(changes[count - 1].revision, i);
		read += (uint64_t)count;
	}
	assert_int_equal(view_change_read(view, &cursor, changes, CHANGES), 100000 - read);
	assert_int_equal(view_change_read(view, &cursor, changes, CHANGES), 0);
	uint64_t before = lagged;
	assert_int_equal(view_change_read(view, &lagged, changes, CHANGES), SM_ELAGGED);
	assert_int_equal(lagged, before);
	/* a cursor from elsewhere */
	lagged = view_change_cursor(view) + 1;
	assert_int_equal(view_change_read(view, &lagged, changes, CHANGES), SM_ELAGGED);
	view_writer_publish(writer, 100002);
}

static void test_versions(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_session session = { .incarnation = 1, .heartbeat = "1" };
	view_writer_begin(writer);
	view_help_shard(writer, "s", "a", "", 2);
	view_help_shard(writer, "other", "a", "", 2);
	view_writer_container_put(writer, "s", "h:1", &session, 3);
	view_writer_publish(writer, 10);
	uint32_t s = view_service_find(view, "s"), other = view_service_find(view, "other");
	assert_int_equal(view_service_version(view, s), 10);
	assert_int_equal(view_service_config_version(view, s), 10);
	/* claims and heartbeats are no configuration */
	view_writer_begin(writer);
	session.heartbeat = "2";
	view_writer_container_put(writer, "s", "h:1", &session, 11);
	view_help_claim(writer, "s", "a", "h:1", 12);
	assert_true(view_service_version(view, s) & VIEW_CHANGING);
	assert_int_equal(view_service_config_version(view, s), 10);
	assert_int_equal(view_service_version(view, other), 10);
	view_writer_publish(writer, 12);
	assert_int_equal(view_service_version(view, s), 12);
	assert_int_equal(view_service_config_version(view, s), 10);
	assert_int_equal(view_service_version(view, other), 10);
	/* nothing changed */
	view_writer_begin(writer);
	view_help_claim(writer, "s", "a", "h:1", 12);
	view_writer_publish(writer, 13);
	assert_int_equal(view_service_version(view, s), 12);
	/* a change without a new revision is a new version all the same */
	view_writer_begin(writer);
	view_writer_container_gone(writer, "s", "h:1", 1, 13);
	view_writer_publish(writer, 13);
	view_writer_begin(writer);
	view_writer_container_put(writer, "s", "h:1", &session, 13);
	view_writer_publish(writer, 13);
	assert_int_equal(view_service_version(view, s), 14);
	assert_int_equal(view_service_config_version(view, s), 14);
	assert_int_equal(view_service_version(view, VIEW_NONE), 0);
}

/* A move in the middle of a batch forgets no service that the batch has touched. */
static void test_versions_over_growth(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_usage before, after;
	view_writer_begin(writer);
	view_help_shard(writer, "first", "a", "", 1);
	view_help_shard(writer, "quiet", "a", "", 1);
	view_writer_publish(writer, 1);
	view_usage_get(view, &before);
	view_writer_begin(writer);
	view_help_shard(writer, "first", "b", "", 2);
	for (int i = 0; i < 5000; i++) {
		char id[32];
		snprintf(id, sizeof(id), "n%d", i);
		view_help_shard(writer, "grown", id, "", 2);
	}
	view_writer_publish(writer, 2);
	view_usage_get(view, &after);
	assert_true(after.segment_number > before.segment_number);
	assert_int_equal(view_service_version(view, view_service_find(view, "first")), 2);
	assert_int_equal(view_service_version(view, view_service_find(view, "grown")), 2);
	assert_int_equal(view_service_version(view, view_service_find(view, "quiet")), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kinds),
		TEST(test_follow_and_lag),
		TEST(test_versions),
		TEST(test_versions_over_growth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
