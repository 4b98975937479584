/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * balancer_lines.h: cut at any byte the lines are the same, and everything that is none ends the stream.
 */
#include "balancer/balancer_lines.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char seen[1024];

static bool on_line(void *arg, const struct balancer_line *line)
{
	size_t used = strlen(seen);

	if (arg)
		return false;
	snprintf(seen + used, sizeof(seen) - used, "%d %s/%u %d %s;", line->op, line->id, line->replica, line->code,
	        line->error);
	return true;
}

static int feed(struct balancer_lines *lines, const char *text, size_t bytes)
{
	return balancer_lines_feed(lines, text, bytes, on_line, NULL);
}

static void test_cut_anywhere(void **state)
{
	static const char text[] =
	        "{\"op\":\"add\",\"id\":\"s1\",\"replica\":0,\"code\":0,\"error\":\"\",\"token\":\"7\"}\n"
	        "{\"op\":\"drop\",\"id\":\"s2\",\"replica\":3,\"code\":-100,\"error\":\"no\"}\n"
	        "{\"op\":\"add\",\"id\":\"s3\",\"code\":-6}\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct balancer_lines lines = { 0 };

		seen[0] = '\0';
		assert_int_equal(feed(&lines, text, cut), 0);
		assert_int_equal(feed(&lines, text + cut, sizeof(text) - 1 - cut), 0);
		assert_int_equal(balancer_lines_end(&lines), 0);
		assert_string_equal(seen, "1 s1/0 0 ;2 s2/3 -100 no;1 s3/0 -6 ;");
		balancer_lines_done(&lines);
	}
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = { "\n", "hello\n", "[]\n", "{}\n", "{\"op\":\"add\"}\n",
		"{\"op\":\"move\",\"id\":\"s\",\"code\":0}\n", "{\"op\":\"add\",\"id\":7,\"code\":0}\n",
		"{\"op\":\"add\",\"id\":\"s\",\"code\":\"0\"}\n", "{\"op\":\"add\",\"id\":\"s\",\"code\":1}\n",
		"{\"op\":\"add\",\"id\":\"s\",\"code\":-99999999999}\n",
		"{\"op\":\"add\",\"id\":\"s\",\"code\":0,\"replica\":-1}\n",
		"{\"op\":\"add\",\"id\":\"s\",\"code\":0,\"replica\":4294967295}\n",
		"{\"op\":\"add\",\"id\":\"s\",\"code\":0} {}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct balancer_lines lines = { 0 };

		seen[0] = '\0';
		assert_int_equal(feed(&lines, texts[i], strlen(texts[i])), SM_EPROTO);
		assert_string_equal(seen, "");
		balancer_lines_done(&lines);
	}
}

static void test_a_line_that_was_not_asked_for(void **state)
{
	static const char text[] = "{\"op\":\"add\",\"id\":\"s1\",\"code\":0}\n";
	struct balancer_lines lines = { 0 };

	(void)state;
	assert_int_equal(balancer_lines_feed(&lines, text, sizeof(text) - 1, on_line, &lines), SM_EPROTO);
	balancer_lines_done(&lines);
}

static void test_a_line_that_never_ends(void **state)
{
	struct balancer_lines lines = { 0 };
	char text[1000];
	int rc = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 100 && rc == 0; i++)
		rc = feed(&lines, text, sizeof(text));
	assert_int_equal(rc, SM_EPROTO);
	assert_int_equal(balancer_lines_end(&lines), SM_EPROTO);
	balancer_lines_done(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_a_line_that_was_not_asked_for),
		cmocka_unit_test(test_a_line_that_never_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
