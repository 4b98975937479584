/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http/http_cache.h"

#include <event2/buffer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct http_cache_stamp stamp(uint64_t generation, uint64_t version)
{
	return (struct http_cache_stamp){ generation, version };
}

static void put(struct http_cache *cache, unsigned kind, const char *name, struct http_cache_stamp at, const char *text)
{
	struct http_body *body = http_body_copy(text);

	http_cache_put(cache, kind, name, at, body);
	http_body_release(body);
}

static void only_the_same_stamp_is_good(void **state)
{
	struct http_cache *cache = http_cache_new(1000);

	(void)state;
	assert_null(http_cache_get(cache, 1, "a", stamp(1, 1)));
	put(cache, 1, "a", stamp(1, 1), "one");
	assert_string_equal(http_cache_get(cache, 1, "a", stamp(1, 1))->text, "one");
	assert_null(http_cache_get(cache, 1, "a", stamp(1, 2)));
	assert_null(http_cache_get(cache, 1, "a", stamp(2, 1)));
	assert_null(http_cache_get(cache, 2, "a", stamp(1, 1)));
	assert_null(http_cache_get(cache, 1, "b", stamp(1, 1)));
	put(cache, 1, "a", stamp(1, 2), "two");
	assert_null(http_cache_get(cache, 1, "a", stamp(1, 1)));
	assert_string_equal(http_cache_get(cache, 1, "a", stamp(1, 2))->text, "two");
	http_cache_free(cache);
}

static void what_does_not_fit_is_not_kept(void **state)
{
	struct http_cache *cache = http_cache_new(10);

	(void)state;
	put(cache, 1, "a", stamp(1, 1), "12345");
	put(cache, 1, "b", stamp(1, 1), "12345678901");
	assert_null(http_cache_get(cache, 1, "b", stamp(1, 1)));
	assert_non_null(http_cache_get(cache, 1, "a", stamp(1, 1)));
	put(cache, 1, "c", stamp(1, 1), "123456");
	assert_non_null(http_cache_get(cache, 1, "c", stamp(1, 1)));
	assert_null(http_cache_get(cache, 1, "a", stamp(1, 1)));
	http_cache_free(cache);
}

static void many_names_are_found_again(void **state)
{
	struct http_cache *cache = http_cache_new(1000000);
	char name[16];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(cache, i % 3, name, stamp(1, 1), name);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_string_equal(http_cache_get(cache, i % 3, name, stamp(1, 1))->text, name);
	}
	http_cache_free(cache);
}

static void a_body_outlives_the_cache_in_a_buffer(void **state)
{
	struct evbuffer *out = evbuffer_new();
	struct http_cache *cache = http_cache_new(100000);
	char text[5001];

	(void)state;
	memset(text, 'x', 5000);
	text[5000] = '\0';
	put(cache, 1, "a", stamp(1, 1), text);
	assert_int_equal(http_body_append(http_cache_get(cache, 1, "a", stamp(1, 1)), out), 0);
	http_cache_free(cache);
	assert_int_equal(evbuffer_get_length(out), 5000);
	assert_memory_equal(evbuffer_pullup(out, -1), text, 5000);
	evbuffer_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_the_same_stamp_is_good),
		cmocka_unit_test(what_does_not_fit_is_not_kept), cmocka_unit_test(many_names_are_found_again),
		cmocka_unit_test(a_body_outlives_the_cache_in_a_buffer) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
