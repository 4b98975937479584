/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Heads of HTTP requests, good and bad, and cut or changed at every byte.
 */
#include "container_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *head, struct container_request *ret_request)
{
	const char *error = NULL;
	/* In an allocation of its own size, so that a sanitizer sees a read past the end. */
	size_t bytes = strlen(head);
	char *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, head, bytes);
	int status = container_request_parse(copy, bytes, 1000, ret_request, &error);
	free(copy);
	assert_true(status == 0 || (status >= 400 && status < 600 && error && error[0]));
	return status;
}

static void good_ones(void **state)
{
	struct container_request request;

	(void)state;
	assert_int_equal(
	        parse("POST /sm/admin/shards?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", &request), 0);
	assert_string_equal(request.method, "POST");
	assert_string_equal(request.path, "/sm/admin/shards");
	assert_int_equal(request.content_bytes, 12);
	assert_true(request.keep_alive);
	assert_false(request.expects_continue);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &request), 0);
	assert_int_equal(request.content_bytes, 0);
	assert_false(request.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\nconnection:\tKeep-Alive \r\n\r\n", &request), 0);
	assert_true(request.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n", &request), 0);
	assert_false(request.keep_alive);
	assert_true(request.expects_continue);
	assert_int_equal(parse("GET / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n", &request), 0);
}

static void bad_ones(void **state)
{
	static const struct {
		int status;
		const char *head;
	} cases[] = {
		{ 400, "" },
		{ 400, "\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\n\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
		{ 400, "GET HTTP/1.1\r\n\r\n" },
		{ 400, "GET  / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1 \r\n\r\n" },
		{ 400, "GET nopath HTTP/1.1\r\n\r\n" },
		{ 400, " / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nno colon\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n: empty\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nName : space\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nA: \001\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" },
		{ 403, "POST / HTTP/1.1\r\nOrigin: http://evil.example\r\n\r\n" },
		{ 411, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" },
		{ 413, "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" },
		{ 413, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n" },
		{ 501, "PROPFINDX / HTTP/1.1\r\n\r\n" },
		{ 505, "GET / HTTP/2.0\r\n\r\n" },
		{ 505, "GET / HTTP/1.9\r\n\r\n" },
	};
	struct container_request request;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int status = parse(cases[i].head, &request);
		if (status != cases[i].status)
			fail_msg("case %zu: %d instead of %d", i, status, cases[i].status);
	}
	char path[CONTAINER_REQUEST_PATH_BYTES + 64] = "GET /";
	memset(path + 5, 'a', CONTAINER_REQUEST_PATH_BYTES);
	strcpy(path + 5 + CONTAINER_REQUEST_PATH_BYTES, " HTTP/1.1\r\n\r\n");
	assert_int_equal(parse(path, &request), 414);
}

static void damaged_ones_do_no_harm(void **state)
{
	static const char good[] = "POST /sm/admin/add-shard?a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 99\r\n"
	                           "Connection: keep-alive\r\nExpect: 100-continue\r\n\r\n";
	struct container_request request;
	char bad[sizeof good];

	(void)state;
	for (size_t i = 0; i < sizeof good - 1; i++) {
		memcpy(bad, good, sizeof good);
		bad[i] = '\0';
		parse(bad, &request);
		for (int c = 1; c < 256; c++) {
			bad[i] = (char)c;
			parse(bad, &request);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(damaged_ones_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
