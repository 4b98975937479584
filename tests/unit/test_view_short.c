/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * No memory, no mappings, no room in the file system: each call that asks for some fails once, the view says so, nothing is lost and
 * nothing leaks, and the same thing works afterwards. The calls are wrapped by the linker (local.mk).
 */
#include "shardmgr.h"
#include "view_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHARDS 1500 /* more than fit into the smallest segment */

static long calls_left = -1; /* -1: nothing fails */

static bool fails(void)
{
	if (calls_left > 0)
		calls_left--;
	return calls_left == 0;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved)
{
	errno = ENOMEM;
	return fails() ? NULL : __real_realpath(path, resolved);
}

void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	errno = ENOMEM;
	return fails() ? MAP_FAILED : __real_mmap(at, bytes, protection, flags, fd, offset);
}

int __real_posix_fallocate(int fd, off_t offset, off_t bytes);
int __wrap_posix_fallocate(int fd, off_t offset, off_t bytes);
int __wrap_posix_fallocate(int fd, off_t offset, off_t bytes)
{
	return fails() ? ENOSPC : __real_posix_fallocate(fd, offset, bytes);
}

int __real_ftruncate(int fd, off_t bytes);
int __wrap_ftruncate(int fd, off_t bytes);
int __wrap_ftruncate(int fd, off_t bytes)
{
	errno = ENOSPC;
	return fails() ? -1 : __real_ftruncate(fd, bytes);
}

/* From nothing to a view that has grown; the first error. */
static int write_view(struct view_fixture *fixture)
{
	const struct view_identity identity = { .prefix = "/sm", .manager_service = "foo.bar" };
	bool resumable;
	int error = view_writer_open(fixture->dir, &identity, &fixture->writer, &resumable);
	if (error)
		return error;
	error = view_writer_reset(fixture->writer, 0);
	if (error)
		return error;
	view_writer_begin(fixture->writer);
	for (int i = 0; i < SHARDS && !error; i++) {
		char id[32];
		struct view_shard_spec spec = { .group = "g", .task = "task", .spec_revision = 1 };
		struct view_claim claim = {
			.container = "h:1", .incarnation = 1, .mod_revision = 1, .token_revision = 1, .ready = true
		};
		snprintf(id, sizeof(id), "k%d", i);
		error = view_writer_shard_put(fixture->writer, "s", id, 0, &spec);
		if (!error)
			error = view_writer_claim_put(fixture->writer, "s", id, 0, &claim);
	}
	if (!error)
		view_writer_publish(fixture->writer, 1);
	return error;
}

static int read_view(const struct view_fixture *fixture)
{
	struct view *view;
	struct view_owner owner;
	int error = view_open(fixture->dir, &view);
	if (error)
		return error;
	for (int i = 0; i < SHARDS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "k%d", i);
		assert_true(view_help_lookup(view, "s", id, &owner));
	}
	view_close(view);
	return 0;
}

static void assert_short(int error)
{
	assert_true(error == SM_ENOMEM || error == SM_ESYSTEM);
}

static void test_writer(void **state)
{
	struct view_fixture *fixture = *state;
	int failures = 0;
	for (;; failures++) {
		calls_left = failures + 1;
		int error = write_view(fixture);
		bool all = calls_left > 0;
		calls_left = -1;
		view_help_close(fixture);
		if (all) {
			assert_int_equal(error, 0);
			break;
		}
		assert_short(error);
		if (failures % 5 == 0) { /* what is there by then is what was there before, or nothing */
			int before = read_view(fixture);
			assert_true(before == 0 || before == SM_ENOENT);
		}
	}
	assert_true(failures > 30);
	assert_int_equal(read_view(fixture), 0);
}

static void test_reader(void **state)
{
	struct view_fixture *fixture = *state;
	int failures = 0;
	assert_int_equal(write_view(fixture), 0);
	for (;; failures++) {
		calls_left = failures + 1;
		int error = read_view(fixture);
		bool all = calls_left > 0;
		calls_left = -1;
		if (all) {
			assert_int_equal(error, 0);
			break;
		}
		assert_short(error);
	}
	assert_int_equal(failures, 4);
}

/* A reader that cannot map the next segment stays where it is, and tries again when asked. */
static void test_refresh(void **state)
{
	struct view_fixture *fixture = *state;
	struct view *view;
	struct view_owner owner;
	assert_int_equal(write_view(fixture), 0);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	assert_int_equal(view_writer_reset(fixture->writer, 0), 0);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 2);
	calls_left = 1;
	assert_int_equal(view_refresh(view), SM_ENOMEM);
	calls_left = -1;
	assert_true(view_help_lookup(view, "s", "k7", &owner));
	assert_int_equal(view_refresh(view), 1);
	assert_false(view_help_lookup(view, "s", "k7", &owner));
	view_close(view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_writer), TEST(test_reader), TEST(test_refresh) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
