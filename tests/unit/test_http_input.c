/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http/http_input.h"
#include "http/http_query.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct http_field fields[] = { { "service", HTTP_FIELD_ID, true, "the service's name" },
	{ "shardId", HTTP_FIELD_ID, true, "the shard's id" }, { "task", HTTP_FIELD_TASK, false, "text" },
	{ "manualContainerId", HTTP_FIELD_CONTAINER, false, "host:port" },
	{ "group", HTTP_FIELD_NAME, false, "a group" }, { "maxShardCount", HTTP_FIELD_COUNT, false, "a number" } };
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The error of body against the fields, "" when it is fine; *ret_arguments when wanted. */
static const char *check(const char *body, bool defaults, json_t **ret_arguments)
{
	static struct why why;
	json_t *object, *arguments;
	int error;

	why.text[0] = '\0';
	if (http_input_parse(body, strlen(body), &object, &why) != 0)
		return why.text;
	error = http_input_fields(object, "", fields, FIELDS, defaults, &arguments, &why);
	json_decref(object);
	if (error != 0) {
		assert_int_equal(error, SM_EINVAL);
		return why.text;
	}
	if (ret_arguments != NULL)
		*ret_arguments = arguments;
	else
		json_decref(arguments);
	return "";
}

#define FRONT "{\"service\":\"S\",\"shardId\":\"s1\""

static void bad_bodies_say_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *part; /* of the error */
	} cases[] = {
		{ "", "no body" },
		{ "{\n \"service\": \"S\",,}", "line 2, column" },
		{ "[]", "the body is an array" },
		{ "\"x\"", "line 1, column" },
		{ "{\"a\":1,\"a\":2}", "line 1" },
		{ FRONT ",\"task\":\"\\u0000\"}", "line 1" },
		{ FRONT ",\"maxShardCount\":99999999999999999999}", "line 1" },
		{ "{}", "service is missing: give the service's name" },
		{ "{\"service\":null}", "service is missing" },
		{ "{\"service\":\"\"}", "service is empty" },
		{ "{\"service\":5}", "service is a whole number: it must be a string" },
		{ "{\"service\":\"a/b\"}", "service" },
		{ "{\"service\":\"..\"}", "service" },
		{ "{\"service\":\"S\"}", "shardId is missing" },
		{ FRONT ",\"maxShardCount\":-1}", "maxShardCount is -1: it must be from 0 to 2147483647" },
		{ FRONT ",\"maxShardCount\":2147483648}", "2147483648" },
		{ FRONT ",\"maxShardCount\":1.5}", "a number with a fraction" },
		{ FRONT ",\"maxShardCount\":\"7\"}", "maxShardCount is a string: it must be a whole number" },
		{ FRONT ",\"maxShardCount\":true}", "true or false" },
		{ FRONT ",\"manualContainerId\":\"nowhere\"}", "manualContainerId" },
		{ FRONT ",\"manualContainerId\":{}}", "manualContainerId is an object" },
		{ FRONT ",\"task\":[]}", "task is an array" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *error = check(cases[i].body, true, NULL);

		if (strstr(error, cases[i].part) == NULL)
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].body, error, cases[i].part);
	}
}

static void lengths_are_limited(void **state)
{
	static char body[70000];
	size_t front = strlen(FRONT ",\"task\":\"");

	(void)state;
	memset(body, 'x', sizeof(body));
	memcpy(body, FRONT ",\"task\":\"", front);
	strcpy(body + front + 65536, "\"}");
	assert_string_equal(check(body, true, NULL), "");
	body[front + 65536] = 'x';
	strcpy(body + front + 65537, "\"}");
	assert_non_null(strstr(check(body, true, NULL), "task has 65537 bytes: at most 65536"));
}

static void good_bodies_become_arguments(void **state)
{
	json_t *arguments;

	(void)state;
	assert_string_equal(check(FRONT ",\"other\":[1],\"group\":null}", true, &arguments), "");
	assert_int_equal(json_object_size(arguments), FIELDS);
	assert_string_equal(json_string_value(json_object_get(arguments, "group")), "");
	assert_int_equal(json_integer_value(json_object_get(arguments, "maxShardCount")), 0);
	json_decref(arguments);
	assert_string_equal(check(FRONT ",\"group\":\"\"}", false, &arguments), "");
	assert_int_equal(json_object_size(arguments), 3);
	json_decref(arguments);
}

static const char *check_shards(const char *body, size_t count, size_t *ret_shards)
{
	static struct why why;
	json_t *object, *shards;

	why.text[0] = '\0';
	assert_int_equal(http_input_parse(body, strlen(body), &object, &why), 0);
	if (http_input_shards(object, fields + 1, count, &shards, &why) == 0) {
		*ret_shards = json_array_size(shards);
		json_decref(shards);
	}
	json_decref(object);
	return why.text;
}

static void lists_of_shards(void **state)
{
	size_t count = 0;

	(void)state;
	assert_non_null(strstr(check_shards("{}", 0, &count), "shards is missing"));
	assert_non_null(strstr(check_shards("{\"shards\":{}}", 0, &count), "shards is an object"));
	assert_non_null(strstr(check_shards("{\"shards\":[]}", 0, &count), "0 elements"));
	assert_non_null(strstr(check_shards("{\"shards\":[\"a\",5]}", 0, &count), "shards[1] is a whole number"));
	assert_non_null(strstr(check_shards("{\"shards\":[\"a\",\"b/c\"]}", 0, &count), "shards[1]"));
	assert_non_null(strstr(
	        check_shards("{\"shards\":[\"a\",\"b\",\"a\"]}", 0, &count), "shards[2] and shards[0] are both"));
	assert_string_equal(check_shards("{\"shards\":[\"a\",\"b\"]}", 0, &count), "");
	assert_int_equal(count, 2);
	assert_non_null(strstr(check_shards("{\"shards\":[\"a\"]}", 4, &count), "shards[0] is a string"));
	assert_non_null(
	        strstr(check_shards("{\"shards\":[{\"task\":\"x\"}]}", 4, &count), "shards[0].shardId is missing"));
	assert_string_equal(check_shards("{\"shards\":[{\"shardId\":\"a\"}]}", 4, &count), "");
}

static void query_values_are_decoded(void **state)
{
	char value[9];
	struct why why;

	(void)state;
	assert_int_equal(http_query_get("a=1&service=foo%2Ebar&b", "service", value, sizeof(value), &why), 0);
	assert_string_equal(value, "foo.bar");
	assert_int_equal(http_query_get("service=a+b%2b", "service", value, sizeof(value), &why), 0);
	assert_string_equal(value, "a b+");
	assert_int_equal(http_query_get("service=12345678", "service", value, sizeof(value), &why), 0);
	assert_int_equal(http_query_get("service=%31%32%33%34%35%36%37%38", "service", value, sizeof(value), &why), 0);
	assert_int_equal(http_query_get("service", "service", value, sizeof(value), &why), 0);
	assert_string_equal(value, "");
}

static void bad_queries_are_refused(void **state)
{
	static const struct {
		const char *query;
		int error;
		const char *part;
	} cases[] = { { NULL, SM_ENOENT, "no \"service\"" }, { "", SM_ENOENT, "add ?service=" },
		{ "&&=&services=a&xservice=b", SM_ENOENT, "no \"service\"" },
		{ "service=a&service=a", SM_EINVAL, "more than once" }, { "service=%", SM_EINVAL, "hex digits" },
		{ "service=%4", SM_EINVAL, "hex digits" }, { "service=%zz", SM_EINVAL, "hex digits" },
		{ "service=a%00b", SM_EINVAL, "%00" }, { "service=123456789", SM_EINVAL, "too long" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char value[9] = "kept";
		struct why why;

		assert_int_equal(http_query_get(cases[i].query, "service", value, sizeof(value), &why), cases[i].error);
		if (strstr(why.text, cases[i].part) == NULL)
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].query, why.text, cases[i].part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bad_bodies_say_what_is_wrong),
		cmocka_unit_test(lengths_are_limited), cmocka_unit_test(good_bodies_become_arguments),
		cmocka_unit_test(lists_of_shards), cmocka_unit_test(query_values_are_decoded),
		cmocka_unit_test(bad_queries_are_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
