/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Files that are not what they should be: refused with the right error, or read without a crash or an endless loop.
 */
#include "shardmgr.h"
#include "view_help.h"
#include "view_layout.h"

#include <sys/stat.h>
#include <unistd.h>

/* Leaves a small view behind, without a writer. */
static void make_view(struct view_fixture *fixture)
{
	view_help_start(fixture, 0);
	view_writer_begin(fixture->writer);
	for (int i = 0; i < 50; i++) {
		char id[32], task[32];
		snprintf(id, sizeof(id), "s%d", i);
		snprintf(task, sizeof(task), "task %d", i);
		view_help_shard(fixture->writer, i % 2 ? "odd" : "even", id, task, i + 1);
		view_help_container(fixture->writer, i % 2 ? "odd" : "even", id, i + 1);
		view_help_claim(fixture->writer, i % 2 ? "odd" : "even", id, id, i + 1);
		view_writer_worker_put(fixture->writer, "odd", id, "h:1", i + 1);
	}
	view_writer_publish(fixture->writer, 50);
	view_help_close(fixture);
}

static size_t sum;

static void read_service(const struct view *view, uint32_t service)
{
	struct view_service row;
	view_service_get(view, service, &row);
	sum += strlen(row.name) + strlen(row.spec);
	for (uint32_t i = view_shard_first(view, service); i != VIEW_NONE; i = view_shard_next(view, i)) {
		struct view_shard shard;
		view_shard_get(view, i, &shard);
		sum += strlen(shard.id) + strlen(shard.group) + strlen(shard.worker_group) + strlen(shard.pin) +
		       strlen(shard.task);
		view_shard_find(view, service, shard.id, 0);
	}
	for (uint32_t i = view_container_first(view, service); i != VIEW_NONE; i = view_container_next(view, i)) {
		struct view_container container;
		view_container_get(view, i, &container);
		sum += strlen(container.id) + strlen(container.heartbeat);
		view_container_find(view, service, container.id);
	}
	for (uint32_t i = view_worker_first(view, service); i != VIEW_NONE; i = view_worker_next(view, i)) {
		struct view_worker worker;
		view_worker_get(view, i, &worker);
		sum += strlen(worker.group) + strlen(worker.container);
	}
}

/* Calls everything there is to call. */
static void read_all(const struct view *view)
{
	struct view_usage usage;
	struct view_owner owner;
	struct view_change changes[10];
	uint64_t cursor = 0;
	view_usage_get(view, &usage);
	sum += strlen(view_prefix(view)) + strlen(view_manager_service(view));
	view_change_read(view, &cursor, changes, 10);
	for (uint32_t i = view_service_first(view); i != VIEW_NONE; i = view_service_next(view, i))
		read_service(view, i);
	for (int i = 0; i < 60; i++) {
		char id[32];
		snprintf(id, sizeof(id), "s%d", i);
		view_help_lookup(view, "odd", id, &owner);
		view_help_lookup(view, "even", id, &owner);
	}
}

static int open_error(struct view_fixture *fixture)
{
	struct view *view;
	int error = view_open(fixture->dir, &view);
	if (!error) {
		read_all(view);
		view_close(view);
	}
	return error;
}

static void patch(struct view_fixture *fixture, const char *name, size_t offset, const void *bytes, size_t count)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	FILE *file = fopen(path, "r+e");
	assert_non_null(file);
	fseek(file, (long)offset, SEEK_SET);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static void test_other_major(void **state)
{
	struct view_fixture *fixture = *state;
	uint32_t major = VIEW_MAJOR + 1;
	make_view(fixture);
	assert_int_equal(open_error(fixture), 0);
	patch(fixture, "view.1", offsetof(struct view_segment, major), &major, sizeof(major));
	assert_int_equal(open_error(fixture), SM_EVERSION);
	assert_false(view_help_open(fixture));
	assert_int_equal(view_writer_reset(fixture->writer, 0), 0);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 1);
	assert_int_equal(open_error(fixture), 0);
	view_help_close(fixture);
	/* the header page */
	patch(fixture, "view", offsetof(struct view_head, major), &major, sizeof(major));
	assert_int_equal(open_error(fixture), SM_EVERSION);
	assert_false(view_help_open(fixture));
	assert_int_equal(open_error(fixture), SM_ENOENT);
}

/* A reader that was there before stays where it is when the next segment is not for it. */
static void test_other_major_while_reading(void **state)
{
	struct view_fixture *fixture = *state;
	uint32_t major = VIEW_MAJOR + 1;
	struct view *view;
	struct view_owner owner;
	make_view(fixture);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	view_help_start(fixture, 0);
	assert_int_equal(view_writer_reset(fixture->writer, 0), 0);
	view_writer_begin(fixture->writer);
	patch(fixture, "view.2", offsetof(struct view_segment, major), &major, sizeof(major));
	view_writer_publish(fixture->writer, 60);
	assert_int_equal(view_refresh(view), SM_EVERSION);
	assert_true(view_help_lookup(view, "odd", "s1", &owner));
	assert_int_equal(view_refresh(view), SM_EVERSION);
	view_close(view);
}

static void test_other_boot(void **state)
{
	struct view_fixture *fixture = *state;
	make_view(fixture);
	patch(fixture, "view.1", offsetof(struct view_segment, boot_id), "xxxx", 4);
	assert_false(view_help_open(fixture));
	/* readers have no clock to compare */
	assert_int_equal(open_error(fixture), 0);
}

static void test_truncated(void **state)
{
	struct view_fixture *fixture = *state;
	size_t bytes;
	make_view(fixture);
	char *file = view_help_read(fixture, "view.1", &bytes);
	const size_t lengths[] = { 0, 1, 64, 4095, 4096, 5000, 100000, bytes - 4096, bytes - 1 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		view_help_write(fixture, "view.1", file, lengths[i]);
		assert_int_equal(open_error(fixture), SM_EPROTO);
	}
	view_help_write(fixture, "view.1", file, bytes);
	assert_int_equal(open_error(fixture), 0);
	free(file);
	file = view_help_read(fixture, "view", &bytes);
	view_help_write(fixture, "view", file, 100);
	assert_int_equal(open_error(fixture), SM_EPROTO);
	view_help_write(fixture, "view", file, 0);
	assert_int_equal(open_error(fixture), SM_ENOENT);
	/* a page of zeros: nothing has been written to it yet */
	memset(file, 0, bytes);
	view_help_write(fixture, "view", file, bytes);
	assert_int_equal(open_error(fixture), SM_ENOENT);
	assert_false(view_help_open(fixture));
	free(file);
}

/* Each byte of both headers in turn, set to something else. */
static void test_damaged_headers(void **state)
{
	struct view_fixture *fixture = *state;
	const struct {
		const char *name;
		size_t bytes;
	} headers[] = { { "view", sizeof(struct view_head) }, { "view.1", sizeof(struct view_segment) } };
	make_view(fixture);
	for (size_t h = 0; h < 2; h++) {
		size_t bytes;
		char *file = view_help_read(fixture, headers[h].name, &bytes);
		for (size_t i = 0; i < headers[h].bytes; i++) {
			for (int flip = 0; flip < 3; flip++) {
				char byte = (char)(file[i] ^ (const int[]){ 0x01, 0x80, 0xff }[flip]);
				patch(fixture, headers[h].name, i, &byte, 1);
				open_error(fixture);
			}
			patch(fixture, headers[h].name, i, &file[i], 1);
		}
		free(file);
	}
	assert_int_equal(open_error(fixture), 0);
}

/* Noise in every region: rows, lists, offsets, slots. */
static void test_noise(void **state)
{
	struct view_fixture *fixture = *state;
	size_t bytes;
	make_view(fixture);
	char *file = view_help_read(fixture, "view.1", &bytes), *noisy = malloc(bytes);
	const struct view_region *regions = ((struct view_segment *)file)->regions;
	unsigned seed = 1;
	for (int round = 0; round < 50 * VIEW_REGIONS; round++) {
		const struct view_region *region = &regions[round % VIEW_REGIONS];
		size_t length = region->capacity * region->element_bytes;
		if (length > 64 * 1024)
			length = 64 * 1024;
		int part = 1 + rand_r(&seed) % 64;
		for (size_t i = 0; i < length; i++)
			noisy[i] = rand_r(&seed) % part == 0 ? (char)rand_r(&seed) : file[region->offset + i];
		patch(fixture, "view.1", region->offset, noisy, length);
		open_error(fixture);
		patch(fixture, "view.1", region->offset, file + region->offset, length);
	}
	assert_int_equal(open_error(fixture), 0);
	free(file);
	free(noisy);
}

/* Whoever asks is not kept waiting for a writer of a pipe. */
static void test_other_kinds_of_files(void **state)
{
	static const char *const names[] = { "view.1", "view" };
	struct view_fixture *fixture = *state;
	char path[128];

	make_view(fixture);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
		assert_true(open_error(fixture) < 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_true(open_error(fixture) < 0);
		assert_int_equal(rmdir(path), 0);
		assert_int_equal(symlink("/dev/zero", path), 0);
		assert_true(open_error(fixture) < 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_other_major),
		TEST(test_other_major_while_reading),
		TEST(test_other_boot),
		TEST(test_truncated),
		TEST(test_damaged_headers),
		TEST(test_noise),
		TEST(test_other_kinds_of_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
