/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Segments come and go: growth, compaction, reset, resumption, and what readers notice of it.
 */
#include "shardmgr.h"
#include "view_help.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned segment_files(const struct view_fixture *fixture)
{
	unsigned count = 0;
	DIR *entries = opendir(fixture->dir);
	for (struct dirent *entry; (entry = readdir(entries));)
		count += strncmp(entry->d_name, "view.", 5) == 0 && strcmp(entry->d_name, "view.lock") != 0;
	closedir(entries);
	return count;
}

static uint64_t segment_number(const struct view *view)
{
	struct view_usage usage;
	view_usage_get(view, &usage);
	return usage.segment_number;
}

static void put_numbered(struct view_writer *writer, unsigned i, int64_t revision)
{
	char shard[32], task[32], container[32];
	snprintf(shard, sizeof(shard), "shard-%u", i);
	snprintf(task, sizeof(task), "task of %u", i);
	snprintf(container, sizeof(container), "10.0.0.%u:80", i % 50);
	view_help_shard(writer, "mirror", shard, task, revision);
	if (i % 3 != 0)
		view_help_claim(writer, "mirror", shard, container, revision);
}

/* Every shard below count, by lookup and by row. */
static void check_numbered(const struct view *view, unsigned count)
{
	uint32_t service = view_service_find(view, "mirror");
	for (unsigned i = 0; i < count; i++) {
		char shard[32], task[32], container[32];
		struct view_owner owner;
		struct view_shard row;
		snprintf(shard, sizeof(shard), "shard-%u", i);
		snprintf(task, sizeof(task), "task of %u", i);
		snprintf(container, sizeof(container), "10.0.0.%u:80", i % 50);
		assert_true(view_help_lookup(view, "mirror", shard, &owner));
		view_shard_get(view, view_shard_find(view, service, shard, 0), &row);
		assert_string_equal(row.task, task);
		assert_int_equal(owner.container, row.claim_container);
		assert_int_equal(owner.token, row.claim_token);
		assert_int_equal(owner.container != 0, i % 3 != 0);
		if (owner.container) {
			struct view_container got;
			view_container_get(view, view_container_by_number(view, owner.container), &got);
			assert_string_equal(got.id, container);
			assert_int_equal(row.claim_incarnation, 7);
			assert_int_equal(row.belief_ms, 4850);
		}
	}
}

static unsigned count_shards(const struct view *view, uint32_t service)
{
	unsigned count = 0;
	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row))
		count++;
	return count;
}

/* From a small segment to many times its size; a reader keeps its old one until it asks. */
static void test_growth(void **state)
{
	struct view_fixture *fixture = *state;
	struct view *view;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	view_writer_begin(writer);
	put_numbered(writer, 0, 1);
	view_writer_publish(writer, 1);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	assert_int_equal(view_refresh(view), 0);
	unsigned count = 1, remapped = 0;
	for (int64_t revision = 2; count < 20000; revision++) {
		uint64_t number = segment_number(view_writer_view(writer));
		view_writer_begin(writer);
		for (unsigned i = 0; i < 1000; i++)
			put_numbered(writer, count + i, revision);
		/* what is not published is not shown in a new segment */
		assert_int_equal(view_refresh(view), 0);
		view_writer_publish(writer, (uint64_t)revision);
		check_numbered(view, 1);
		bool grown = segment_number(view_writer_view(writer)) != number;
		assert_int_equal(view_refresh(view), grown);
		remapped += grown;
		count += 1000;
		assert_int_equal(view_revision(view), revision);
		assert_int_equal(segment_files(fixture), 1);
	}
	assert_true(remapped >= 3);
	check_numbered(view, count);
	uint32_t service = view_service_find(view, "mirror");
	assert_int_equal(count_shards(view, service), count);
	struct view_service got;
	view_service_get(view, service, &got);
	assert_int_equal(got.shard_count, count);
	assert_int_equal(got.claim_count, count - (count + 2) / 3);
	view_close(view);
}

/* The same few shards with ever new texts: old ones are left behind, the segment does not grow without end. */
static void test_compaction(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	char *task = calloc(1, 100001);
	struct view_usage usage;
	view_writer_begin(writer);
	view_help_container(writer, "s", "gone:1", 1);
	assert_int_equal(view_writer_container_gone(writer, "s", "gone:1", 5, 2), 0);
	assert_int_equal(view_writer_container_gone(writer, "s", "claimed:1", 5, 2), 0);
	view_help_claim(writer, "s", "x", "claimed:1", 3);
	for (int i = 0; i < 1000; i++) {
		memset(task, 'a' + i % 26, 100000);
		view_help_shard(writer, "s", "a", task, i + 1);
		view_help_shard(writer, "s", "b", i % 2 ? "b" : "", i + 1);
	}
	view_usage_get(view, &usage);
	assert_true(usage.segment_number > 3);
	assert_true(usage.segment_bytes < 64u << 20);
	assert_true(usage.bytes_garbage < usage.bytes_used);
	uint32_t service = view_service_find(view, "s");
	struct view_shard shard;
	view_shard_get(view, view_shard_find(view, service, "a", 0), &shard);
	assert_string_equal(shard.task, task);
	assert_int_equal(view_container_find(view, service, "gone:1"), VIEW_NONE);
	assert_int_not_equal(view_container_find(view, service, "claimed:1"), VIEW_NONE);
	view_writer_publish(writer, 1000);
	free(task);
}

/* Arguments may be strings of the view itself, even if the put moves it. */
static void test_arguments_from_view(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	char *task = calloc(1, 300001);
	memset(task, 'x', 300000);
	view_writer_begin(writer);
	view_help_shard(writer, "s", "a", task, 1);
	struct view_shard shard;
	view_shard_get(view_writer_view(writer), 0, &shard);
	uint64_t number = segment_number(view_writer_view(writer));
	for (int i = 0; segment_number(view_writer_view(writer)) == number; i++) {
		char id[32];
		snprintf(id, sizeof(id), "b%d", i);
		view_help_shard(writer, "s", id, shard.task, 2);
	}
	assert_string_equal(shard.task, task);
	view_writer_publish(writer, 2);
	free(task);
}

static void test_resume(void **state)
{
	struct view_fixture *fixture = *state;
	struct view_sighting sighting = { 5, 100, 200 }, got;
	view_help_start(fixture, 0);
	view_writer_begin(fixture->writer);
	for (unsigned i = 0; i < 100; i++)
		put_numbered(fixture->writer, i, 9);
	view_writer_publish(fixture->writer, 9);
	assert_int_equal(view_writer_sighting_put(fixture->writer, &sighting), 0);
	view_help_close(fixture);
	/* whole: goes on where it was */
	assert_true(view_help_open(fixture));
	assert_int_equal(view_revision(view_writer_view(fixture->writer)), 9);
	check_numbered(view_writer_view(fixture->writer), 100);
	assert_true(view_writer_sighting_get(fixture->writer, 5, &got));
	view_writer_begin(fixture->writer);
	put_numbered(fixture->writer, 100, 10);
	/* ended in a batch: no more */
	view_help_close(fixture);
	assert_false(view_help_open(fixture));
	struct view *view;
	assert_int_equal(view_open(fixture->dir, &view), 0);
	check_numbered(view, 100);
	assert_int_equal(view_writer_reset(fixture->writer, 1000), 0);
	assert_true(view_writer_sighting_get(fixture->writer, 5, &got));
	assert_int_equal(got.raw_ns, 200);
	/* ended before the first publish of the new one: the old one still serves, nothing is left lying about */
	assert_int_equal(segment_files(fixture), 2);
	view_help_close(fixture);
	assert_int_equal(segment_files(fixture), 1);
	assert_int_equal(view_refresh(view), 0);
	view_close(view);
}

static void test_other_identity(void **state)
{
	struct view_fixture *fixture = *state;
	struct view_sighting sighting = { 5, 100, 200 }, got;
	const struct view_identity other = { .prefix = "/sm2", .manager_service = "foo.bar" };
	bool resumable;
	view_help_start(fixture, 0);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 9);
	assert_int_equal(view_writer_sighting_put(fixture->writer, &sighting), 0);
	view_help_close(fixture);
	assert_int_equal(view_writer_open(fixture->dir, &other, &fixture->writer, &resumable), 0);
	assert_false(resumable);
	assert_int_equal(view_writer_reset(fixture->writer, 0), 0);
	assert_false(view_writer_sighting_get(fixture->writer, 5, &got));
	/* a revision may be smaller after a reset */
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 3);
	struct view *view;
	assert_int_equal(view_open(fixture->dir, &view), 0);
	assert_string_equal(view_prefix(view), "/sm2");
	view_close(view);
}

static void test_second_writer(void **state)
{
	struct view_fixture *fixture = *state;
	const struct view_identity identity = { .prefix = "/sm", .manager_service = "foo.bar" };
	struct view_writer *second;
	bool resumable;
	view_help_start(fixture, 0);
	assert_int_equal(view_writer_open(fixture->dir, &identity, &second, &resumable), SM_EEXIST);
	assert_int_equal(view_writer_open("/tmp/no/such/dir", &identity, &second, &resumable), SM_ESYSTEM);
	view_help_close(fixture);
	assert_int_equal(view_writer_open(fixture->dir, &identity, &second, &resumable), 0);
	view_writer_close(second);
}

static void test_sightings(void **state)
{
	struct view_fixture *fixture = *state;
	struct view_sighting got, sighting;
	struct view *view;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	view_writer_begin(writer);
	view_help_shard(writer, "s", "a", "", 1);
	view_writer_publish(writer, 1);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	/* more than fit, outside of a batch: the segment grows and is shown at once */
	for (int64_t i = 1; i <= 5000; i++) {
		sighting = (struct view_sighting){ i, (uint64_t)i * 2, (uint64_t)i * 3 };
		assert_int_equal(view_writer_sighting_put(writer, &sighting), 0);
		sighting.boot_ns = 1;
		assert_int_equal(view_writer_sighting_put(writer, &sighting), 0);
	}
	assert_int_equal(view_refresh(view), 1);
	assert_int_equal(view_revision(view), 1);
	view_close(view);
	for (int64_t i = 1; i <= 5000; i += 2)
		view_writer_sighting_remove(writer, i);
	view_writer_sighting_remove(writer, 99999);
	for (int64_t i = 1; i <= 5000; i++) {
		assert_int_equal(view_writer_sighting_get(writer, i, &got), i % 2 == 0);
		if (i % 2 == 0)
			assert_int_equal(got.boot_ns, i * 2);
	}
	assert_false(view_writer_sighting_get(writer, 0, &got));
	assert_false(view_writer_sighting_get(writer, -1, &got));
	sighting.incarnation = -1;
	assert_int_equal(view_writer_sighting_put(writer, &sighting), SM_EINVAL);
	/* before the first begin after a reset: the empty segment stays hidden */
	assert_int_equal(view_writer_reset(writer, 0), 0);
	for (int64_t i = 10000; i < 20000; i++) {
		sighting = (struct view_sighting){ i, 1, 1 };
		assert_int_equal(view_writer_sighting_put(writer, &sighting), 0);
	}
	assert_true(view_writer_sighting_get(writer, 2, &got));
	struct view_owner owner;
	assert_int_equal(view_open(fixture->dir, &view), 0);
	assert_true(view_help_lookup(view, "s", "a", &owner));
	view_close(view);
}

/* A file system that gives no more room is an error, and not the end of what is there. */
static void test_no_space(void **state)
{
	struct view_fixture *fixture = *state;
	struct rlimit before, none = { .rlim_cur = 1 };
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	view_writer_begin(writer);
	put_numbered(writer, 0, 1);
	view_writer_publish(writer, 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	view_writer_begin(writer);
	int error = 0;
	unsigned count;
	for (count = 1; count < 100000 && !error; count++) {
		char id[32];
		struct view_shard_spec spec = { .task = "some task", .spec_revision = 2 };
		snprintf(id, sizeof(id), "more-%u", count);
		error = view_writer_shard_put(writer, "mirror", id, 0, &spec);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(error, SM_ESYSTEM);
	check_numbered(view_writer_view(writer), 1);
	assert_int_equal(segment_files(fixture), 1);
	for (unsigned i = 1; i < 5000; i++)
		put_numbered(writer, i, 2);
	view_writer_publish(writer, 2);
	check_numbered(view_writer_view(writer), 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_growth),
		TEST(test_compaction),
		TEST(test_arguments_from_view),
		TEST(test_resume),
		TEST(test_other_identity),
		TEST(test_second_writer),
		TEST(test_sightings),
		TEST(test_no_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
