/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The pure parts of the etcd client: base64, texts, the scanner of streams, numbers, endpoints, ends of prefixes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etcd/etcd_base64.h"
#include "etcd/etcd_endpoints.h"
#include "etcd/etcd_json.h"
#include "etcd/etcd_scan.h"
#include "etcd/etcd_text.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void base64_is_its_own_inverse(void **state)
{
	unsigned char data[300], back[300];
	char text[404];
	size_t bytes;

	(void)state;
	for (size_t length = 0; length < sizeof(data); length++) {
		for (size_t i = 0; i < length; i++)
			data[i] = (unsigned char)(i * 37 + length * 11);
		etcd_base64_encode(data, length, text);
		assert_true(etcd_base64_decode(text, etcd_base64_encoded_bytes(length), back, &bytes));
		assert_int_equal(bytes, length);
		assert_memory_equal(back, data, length);
	}
}

static void base64_is_the_standard_one(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd\xfb\xef", "//79++8=" } };
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		memset(text, 0, sizeof(text));
		etcd_base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void base64_refuses_everything_else(void **state)
{
	static const char *const texts[] = { "Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm 9",
		"Zm9-", "Zm9_", "Zg==Zg==", "Zm9v\n", "Zm\x80v" };
	char data[16];
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (etcd_base64_decode(texts[i], strlen(texts[i]), data, &bytes))
			fail_msg("%s", texts[i]);
}

static void strings_are_escaped(void **state)
{
	const char *strange = "a\"b\\c\n\x01\x7f\xc3\xa4";
	struct etcd_text text = { 0 };
	json_t *json;

	(void)state;
	etcd_text_add(&text, "[");
	etcd_text_add_string(&text, strange);
	etcd_text_add(&text, ",");
	etcd_text_add_number(&text, INT64_MIN);
	etcd_text_add(&text, "]");
	json = json_loadb(text.data, text.bytes, 0, NULL);
	assert_string_equal(json_string_value(json_array_get(json, 0)), strange);
	assert_string_equal(json_string_value(json_array_get(json, 1)), "-9223372036854775808");
	json_decref(json);
	etcd_text_done(&text);
}

/* However the stream is cut, the objects are the same. */
static void the_scanner_finds_objects_in_pieces(void **state)
{
	static const char stream[] =
	        "{\"a\":\"}{\\\"\\\\\"}{}\n {\"b\":[{},[1,{\"c\":\"\\\\\\\"}\"}]]}\r\n\t[1]x{\"d\":1}";
	static const char *const objects[] = { "{\"a\":\"}{\\\"\\\\\"}", "{}",
		"\n {\"b\":[{},[1,{\"c\":\"\\\\\\\"}\"}]]}", "\r\n\t[1]", "x", "{\"d\":1}" };
	size_t whole = strlen(stream), bytes, used, found;

	(void)state;
	for (size_t piece = 1; piece <= whole; piece++) {
		struct etcd_scan scan = { 0 };

		used = found = 0;
		for (size_t there = 0; there < whole;) {
			there = there + piece < whole ? there + piece : whole;
			while ((bytes = etcd_scan_next(&scan, stream + used, there - used)) > 0) {
				assert_int_equal(bytes, strlen(objects[found]));
				assert_memory_equal(stream + used, objects[found], bytes);
				used += bytes;
				found++;
			}
		}
		assert_int_equal(found, sizeof(objects) / sizeof(objects[0]));
	}
}

static int parse_int64(const char *value, int64_t *ret)
{
	char text[128];
	json_t *object;
	int error;

	snprintf(text, sizeof(text), "{\"n\":%s}", value);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	error = etcd_json_int64(object, "n", ret);
	json_decref(object);
	return error;
}

static void numbers_are_strict(void **state)
{
	static const char *const wrong[] = { "\"\"", "\"-\"", "\"+1\"", "\" 1\"", "\"1 \"", "\"1.0\"", "\"1e3\"",
		"\"0x1\"", "\"9223372036854775808\"", "\"-9223372036854775809\"", "\"99999999999999999999999\"", "1.5",
		"true", "null", "[]", "{}" };
	int64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		number = 42;
		if (parse_int64(wrong[i], &number) != SM_EPROTO || number != 42)
			fail_msg("%s", wrong[i]);
	}
	assert_int_equal(parse_int64("\"9223372036854775807\"", &number), 0);
	assert_true(number == INT64_MAX);
	assert_int_equal(parse_int64("\"-9223372036854775808\"", &number), 0);
	assert_true(number == INT64_MIN);
	assert_int_equal(parse_int64("7", &number), 0);
	assert_int_equal(number, 7);
}

static int parse_endpoint(const char *text, bool secure, const char *url, const char *socket_path)
{
	struct etcd_endpoints endpoints;
	struct why why = { "" };
	int error = etcd_endpoints_init(&endpoints, &text, 1, secure, &why);

	if (error) {
		assert_non_null(strstr(why.text, text));
		return error;
	}
	assert_string_equal(endpoints.list[0].url, url);
	if (socket_path)
		assert_string_equal(endpoints.list[0].socket_path, socket_path);
	else
		assert_null(endpoints.list[0].socket_path);
	etcd_endpoints_done(&endpoints);
	return 0;
}

static void endpoints_are_checked(void **state)
{
	static const char *const wrong[] = { "", "host", "host:", ":2379", "host:0", "host:65536", "host:23x",
		"host:2379/v3", "ho st:2379", "http://", "https://host", "ftp://host:1", "user@host:2379", "[::1]",
		"[::1]2379", "[::g]:2379", "::1:2379", "unix://", "unix://client:1", "host:2379\n",
		"http://host:2379?x",
		"unix:///this/path/is/longer/than/what/fits/into/the/address/of/a/socket/"
		"which/is/no/more/than/one/hundred/and/seven/bytes" };

	(void)state;
	assert_int_equal(parse_endpoint("127.0.0.1:2379", false, "http://127.0.0.1:2379", NULL), 0);
	assert_int_equal(parse_endpoint("etcd-0.example:1", true, "https://etcd-0.example:1", NULL), 0);
	assert_int_equal(parse_endpoint("http://host:2379/", true, "http://host:2379", NULL), 0);
	assert_int_equal(parse_endpoint("https://[::1]:2379", false, "https://[::1]:2379", NULL), 0);
	assert_int_equal(parse_endpoint("unix:///run/x/client:1", false, "http://localhost", "/run/x/client:1"), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse_endpoint(wrong[i], false, "", NULL) != SM_EINVAL)
			fail_msg("%s", wrong[i]);
}

static void endpoints_take_turns(void **state)
{
	const char *const texts[] = { "a:1", "b:1", "c:1" };
	struct etcd_endpoints endpoints;

	(void)state;
	assert_int_equal(etcd_endpoints_init(&endpoints, texts, 3, false, NULL), 0);
	etcd_endpoints_failed(&endpoints, 1); /* not the current one */
	assert_int_equal(endpoints.current, 0);
	etcd_endpoints_failed(&endpoints, 0);
	etcd_endpoints_failed(&endpoints, 0);
	assert_int_equal(endpoints.current, 1);
	etcd_endpoints_failed(&endpoints, 1);
	etcd_endpoints_failed(&endpoints, 2);
	assert_int_equal(endpoints.current, 0);
	etcd_endpoints_done(&endpoints);
	assert_int_equal(etcd_endpoints_init(&endpoints, texts, 0, false, NULL), SM_EINVAL);
}

static void prefixes_end_where_they_should(void **state)
{
	char end[16];

	(void)state;
	etcd_prefix_end("/a/", end);
	assert_string_equal(end, "/a0");
	etcd_prefix_end("a\xff\xff", end);
	assert_string_equal(end, "b");
	etcd_prefix_end("\xff", end);
	assert_string_equal(end, "");
	etcd_prefix_end("", end);
	assert_string_equal(end, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_its_own_inverse),
		cmocka_unit_test(base64_is_the_standard_one),
		cmocka_unit_test(base64_refuses_everything_else),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(the_scanner_finds_objects_in_pieces),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(endpoints_are_checked),
		cmocka_unit_test(endpoints_take_turns),
		cmocka_unit_test(prefixes_end_where_they_should),
	};

	return cmocka_run_group_tests_name("etcd_codec", tests, NULL, NULL);
}
