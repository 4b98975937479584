/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A writer killed at each of its system calls, one after the other, before it and after it: every state that the files can be left in while
 * a segment is made, filled, published and removed. (Between system calls: test_view_kill.)
 */
#include "shardmgr.h"
#include "view_help.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARDS 20
#define CALLS 2000 /* more than there are */

static const struct view_identity identity = { .prefix = "/sm", .manager_service = "foo.bar" };

static void put_all(struct view_writer *writer, int64_t revision)
{
	for (int i = 0; i < SHARDS; i++) {
		char id[32];
		struct view_shard_spec spec = { .spec_revision = revision };
		struct view_claim claim = { .container = "h:1",
			.incarnation = 1,
			.mod_revision = revision,
			.token_revision = (uint64_t)revision,
			.ready = true };
		snprintf(id, sizeof(id), "k%d", i);
		if (view_writer_shard_put(writer, "s", id, 0, &spec) != 0 ||
		        view_writer_claim_put(writer, "s", id, 0, &claim) != 0)
			_exit(2);
	}
}

/* Opens, begins anew if it must, and grows twice: in a batch and outside of one. */
static void write_view(const char *dir)
{
	struct view_writer *writer;
	bool resumable;
	if (view_writer_open(dir, &identity, &writer, &resumable) != 0)
		_exit(3);
	if (!resumable && view_writer_reset(writer, 0) != 0)
		_exit(4);
	int64_t revision = (int64_t)view_revision(view_writer_view(writer)) + 1;
	view_writer_begin(writer);
	put_all(writer, revision);
	for (int i = 0; i < 1500; i++) {
		char id[32];
		struct view_shard_spec spec = { .spec_revision = revision };
		snprintf(id, sizeof(id), "x%d", i);
		if (view_writer_shard_put(writer, "s", id, 0, &spec) != 0)
			_exit(5);
	}
	view_writer_publish(writer, (uint64_t)revision);
	for (int64_t i = 1; i <= 200; i++) {
		struct view_sighting sighting = { i, 1, 1 };
		if (view_writer_sighting_put(writer, &sighting) != 0)
			_exit(6);
	}
	view_writer_close(writer);
	_exit(0);
}

/* Lets the child go on for so many stops at system calls, then kills it. Whether it was still there. */
static bool kill_at(const char *dir, int stops)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		raise(SIGSTOP);
		write_view(dir);
	}
	for (int i = 0; i <= stops; i++) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			if (WEXITSTATUS(status) == 77)
				skip();
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
		if (i < stops)
			ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static void check_readable(const char *dir)
{
	struct view *view;
	struct view_owner owner;
	assert_int_equal(view_open(dir, &view), 0);
	for (int i = 0; i < SHARDS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "k%d", i);
		assert_true(view_help_lookup(view, "s", id, &owner));
		assert_int_equal(owner.container, 1);
	}
	view_close(view);
}

static void test_each_call(void **state)
{
	struct view_fixture *fixture = *state;
	int stops;
	bool killed = true;
	view_help_start(fixture, 0);
	view_writer_begin(fixture->writer);
	put_all(fixture->writer, 1);
	view_writer_publish(fixture->writer, 1);
	view_help_close(fixture);
	for (stops = 0; killed && stops < CALLS; stops++) {
		killed = kill_at(fixture->dir, stops);
		check_readable(fixture->dir);
	}
	assert_false(killed);
	print_message("killed at %d stops\n", stops - 1);
	assert_true(view_help_open(fixture));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_call, view_help_setup, view_help_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
