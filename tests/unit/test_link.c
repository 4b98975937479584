/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * link.h: whole messages in order, however the bytes come; and every way in which the other side can end.
 */
#include "common/link.h"
#include "shardmgr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	struct event_base *base;
	struct link *link;
	int messages, closes;
	json_int_t last;
	char why[128];
	bool free_on_message, free_on_close;
	int stop_after;
};

static void on_message(void *arg, struct link *link, json_t *message)
{
	struct seen *seen = arg;

	assert_ptr_equal(link, seen->link);
	seen->messages++;
	seen->last = json_integer_value(json_object_get(message, "n"));
	if (seen->free_on_message) {
		link_free(link);
		seen->link = NULL;
		event_base_loopbreak(seen->base);
	}
	if (seen->messages == seen->stop_after)
		event_base_loopbreak(seen->base);
}

static void on_closed(void *arg, struct link *link, const char *why)
{
	struct seen *seen = arg;

	seen->closes++;
	strncpy(seen->why, why, sizeof(seen->why) - 1);
	if (seen->free_on_close) {
		link_free(link);
		seen->link = NULL;
	}
	event_base_loopbreak(seen->base);
}

static const struct link_handler handler = { .message = on_message, .closed = on_closed };

struct fixture {
	struct event_base *base;
	int other; /* the other end */
	struct seen seen;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	f->base = event_base_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	f->other = fds[1];
	f->seen.base = f->base;
	*state = f;
	return link_new(f->base, fds[0], &handler, &f->seen, &f->seen.link);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	link_free(f->seen.link);
	event_base_free(f->base);
	if (f->other >= 0)
		close(f->other);
	free(f);
	return 0;
}

static void write_raw(int fd, const char *body, uint32_t claimed, size_t bytes)
{
	uint32_t head = htonl(claimed);

	assert_int_equal(write(fd, &head, 4), 4);
	if (bytes > 0)
		assert_int_equal(write(fd, body, bytes), bytes);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	json_t *message = json_pack("{s:i}", "n", 42), *back = NULL;

	assert_int_equal(link_write_blocking(f->other, message), 0);
	f->seen.stop_after = 1;
	event_base_dispatch(f->base);
	assert_int_equal(f->seen.last, 42);
	assert_int_equal(link_send(f->seen.link, message), 0);
	assert_true(link_queued_bytes(f->seen.link) > 0);
	event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(link_queued_bytes(f->seen.link), 0);
	assert_int_equal(link_read_blocking(f->other, 1000, &back), 0);
	assert_true(json_equal(message, back));
	json_decref(message);
	json_decref(back);
}

static void test_bytes_one_by_one(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "\0\0\0\7{\"n\":1}\0\0\0\7{\"n\":2}";

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(write(f->other, text + i, 1), 1);
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	assert_int_equal(f->seen.messages, 2);
	assert_int_equal(f->seen.last, 2);
	assert_int_equal(f->seen.closes, 0);
}

static void test_messages_before_the_end_arrive(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 3; i++)
		write_raw(f->other, "{\"n\":3}", 7, 7);
	close(f->other);
	f->other = -1;
	/* A write that fails must not hide what is still to be read. */
	json_t *message = json_object();
	link_send(f->seen.link, message);
	json_decref(message);
	event_base_dispatch(f->base);
	assert_int_equal(f->seen.messages, 3);
	assert_int_equal(f->seen.closes, 1);
}

static void test_free_in_callbacks(void **state)
{
	struct fixture *f = *state;

	f->seen.free_on_message = true;
	write_raw(f->other, "{\"n\":1}", 7, 7);
	write_raw(f->other, "{\"n\":2}", 7, 7);
	event_base_dispatch(f->base);
	assert_int_equal(f->seen.messages, 1);
	assert_int_equal(f->seen.closes, 0);
}

static void expect_close(struct fixture *f, const char *why)
{
	f->seen.free_on_close = true;
	event_base_dispatch(f->base);
	assert_int_equal(f->seen.closes, 1);
	assert_string_equal(f->seen.why, why);
}

static void test_not_json(void **state)
{
	write_raw(((struct fixture *)*state)->other, "nope", 4, 4);
	expect_close(*state, "a message is not a JSON object");
}

static void test_not_an_object(void **state)
{
	write_raw(((struct fixture *)*state)->other, "[1]", 3, 3);
	expect_close(*state, "a message is not a JSON object");
}

static void test_empty(void **state)
{
	write_raw(((struct fixture *)*state)->other, "", 0, 0);
	expect_close(*state, "a message is not a JSON object");
}

static void test_too_long(void **state)
{
	write_raw(((struct fixture *)*state)->other, "", LINK_BYTES + 1, 0);
	expect_close(*state, "a message is too long");
}

static void test_cut(void **state)
{
	struct fixture *f = *state;

	write_raw(f->other, "{\"n", 7, 3);
	close(f->other);
	f->other = -1;
	expect_close(f, "the other side ended in the middle of a message");
	assert_int_equal(f->seen.messages, 0);
}

static void test_send_after_close(void **state)
{
	struct fixture *f = *state;
	json_t *message = json_object(), *array = json_array();

	assert_int_equal(link_send(f->seen.link, array), SM_EINVAL);
	close(f->other);
	f->other = -1;
	event_base_dispatch(f->base);
	assert_string_equal(f->seen.why, "the other side ended");
	assert_int_equal(link_send(f->seen.link, message), SM_ECLOSED);
	json_decref(message);
	json_decref(array);
}

static void test_blocking_ends(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	json_t *message = NULL;

	assert_int_equal(link_read_blocking(f->other, 0, &message), SM_ETIMEDOUT);
	assert_int_equal(link_read_blocking(f->other, 20, &message), SM_ETIMEDOUT);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	write_raw(fds[0], "[]", 2, 2);
	assert_int_equal(link_read_blocking(fds[1], 1000, &message), SM_EPROTO);
	write_raw(fds[0], "", LINK_BYTES + 1, 0);
	assert_int_equal(link_read_blocking(fds[1], 1000, &message), SM_EPROTO);
	write_raw(fds[0], "{", 2, 1);
	close(fds[0]);
	assert_int_equal(link_read_blocking(fds[1], 1000, &message), SM_ECLOSED);
	assert_null(message);
	message = json_object();
	assert_int_equal(link_write_blocking(fds[1], message), SM_ECLOSED);
	json_decref(message);
	close(fds[1]);
}

/* 8 MiB through a socket that takes 200 KiB at a time. */
static void test_large(void **state)
{
	struct fixture *f = *state;
	size_t bytes = 8u * 1024u * 1024u;
	char *text = malloc(bytes + 1);
	json_t *message, *back = NULL;
	pid_t child;
	int status;

	memset(text, 'x', bytes);
	text[bytes] = '\0';
	message = json_pack("{s:s, s:i}", "text", text, "n", 5);
	free(text);
	child = fork();
	if (child == 0) {
		link_read_blocking(f->other, 10000, &back);
		_exit(back != NULL && link_write_blocking(f->other, back) == 0 ? 0 : 1);
	}
	assert_int_equal(link_send(f->seen.link, message), 0);
	f->seen.stop_after = 1;
	event_base_dispatch(f->base);
	assert_int_equal(f->seen.last, 5);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	json_decref(message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_bytes_one_by_one),
		TEST(test_messages_before_the_end_arrive),
		TEST(test_free_in_callbacks),
		TEST(test_not_json),
		TEST(test_not_an_object),
		TEST(test_empty),
		TEST(test_too_long),
		TEST(test_cut),
		TEST(test_send_after_close),
		TEST(test_blocking_ends),
		TEST(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
