/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http/http_json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_string(const char *text, const char *expected)
{
	struct http_json json;
	size_t bytes;
	char *out;

	http_json_init(&json, 0);
	http_json_string(&json, text);
	out = http_json_take(&json, &bytes);
	assert_string_equal(out, expected);
	assert_int_equal(bytes, strlen(expected));
	free(out);
}

static void strings_are_escaped(void **state)
{
	(void)state;
	check_string("", "\"\"");
	check_string("s1", "\"s1\"");
	check_string("a\"b\\c", "\"a\\\"b\\\\c\"");
	check_string("\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\\u007f\"");
	check_string("</script>", "\"</script>\"");
	check_string("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
	        "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	check_string("\xff", "\"\xef\xbf\xbd\"");
	check_string("a\xc3", "\"a\xef\xbf\xbd\"");                                               /* cut */
	check_string("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");                                 /* overlong */
	check_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");                 /* surrogate */
	check_string("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* above U+10FFFF */
	check_string("\xe2\x82z", "\"\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void structure_has_its_commas(void **state)
{
	struct http_json json;
	size_t bytes;
	char *out;

	(void)state;
	http_json_init(&json, 0);
	http_json_open(&json, '{');
	http_json_key(&json, "a");
	http_json_open(&json, '[');
	http_json_close(&json, ']');
	http_json_key(&json, "b");
	http_json_open(&json, '[');
	http_json_int(&json, 0);
	http_json_int(&json, -1);
	http_json_open(&json, '{');
	http_json_close(&json, '}');
	http_json_null(&json);
	http_json_close(&json, ']');
	http_json_key_int(&json, "min", INT64_MIN);
	http_json_key_int(&json, "max", INT64_MAX);
	http_json_key_bool(&json, "t", true);
	http_json_key_bool(&json, "f", false);
	http_json_key_string(&json, "s", "x");
	http_json_close(&json, '}');
	out = http_json_take(&json, &bytes);
	assert_string_equal(out,
	        "{\"a\":[],\"b\":[0,-1,{},null],\"min\":-9223372036854775808,\"max\":9223372036854775807,"
	        "\"t\":true,\"f\":false,\"s\":\"x\"}");
	free(out);
}

/* Whatever bytes come, jansson must be able to read what was written. */
static void any_bytes_give_json(void **state)
{
	unsigned seed = 1;
	char text[40];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct http_json json;
		size_t length = (size_t)(rand_r(&seed) % 39), bytes;
		json_t *parsed;
		char *out;

		for (size_t i = 0; i < length; i++)
			text[i] = (char)(rand_r(&seed) % 255 + 1);
		text[length] = '\0';
		http_json_init(&json, 0);
		http_json_open(&json, '[');
		http_json_string(&json, text);
		http_json_close(&json, ']');
		out = http_json_take(&json, &bytes);
		parsed = json_loadb(out, bytes, 0, NULL);
		assert_non_null(parsed);
		json_decref(parsed);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(what_is_not_utf8_is_replaced), cmocka_unit_test(structure_has_its_commas),
		cmocka_unit_test(any_bytes_give_json) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
