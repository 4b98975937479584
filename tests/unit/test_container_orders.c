/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Bodies of the admin endpoints: what is taken, what is refused whole, what is refused alone.
 */
#include "container_orders.h"

#include "common/orders.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct container_orders_target target = { .service = "svc", .id = "h:1" };

#define SPEC "\"spec\":{\"id\":\"s1\",\"service\":\"svc\",\"task\":\"do\",\"updateTime\":5}"

static int parse(const char *body, struct container_orders *ret_orders, struct why *why)
{
	return container_orders_parse(&target, body, strlen(body), ret_orders, why);
}

static void batch(void **state)
{
	struct container_orders orders;
	struct why why;

	(void)state;
	assert_int_equal(parse("{\"service\":\"svc\",\"orders\":[{\"op\":\"add\",\"id\":\"s1\",\"replica\":2," SPEC
	                       "},{\"op\":\"drop\",\"id\":\"s2\",\"extra\":[]}]}",
	                         &orders, &why),
	        0);
	assert_int_equal(orders.count, 2);
	assert_true(orders.list[0].add);
	assert_string_equal(orders.list[0].id, "s1");
	assert_int_equal(orders.list[0].replica, 2);
	assert_string_equal(orders.list[0].task, "do");
	assert_false(orders.list[1].add);
	assert_string_equal(orders.list[1].id, "s2");
	char *line = container_orders_print(&orders.list[0], ORDERS_FAILED, "no \"room\"", 0);
	assert_string_equal(line, "{\"op\":\"add\",\"id\":\"s1\",\"replica\":2,\"code\":-100,\"error\":\"no "
	                          "\\\"room\\\"\",\"token\":\"0\"}");
	free(line);
	line = container_orders_print(&orders.list[1], 0, "\xff", UINT64_MAX);
	assert_non_null(strstr(line, "not UTF-8"));
	assert_non_null(strstr(line, "\"18446744073709551615\""));
	free(line);
	container_orders_done(&orders);
	assert_int_equal(parse("{\"service\":\"svc\",\"orders\":[]}", &orders, &why), 0);
	assert_int_equal(orders.count, 0);
	container_orders_done(&orders);
}

static void refused_whole(void **state)
{
	static const char *const bodies[][2] = {
		{ "", "JSON" },
		{ "[]", "not a JSON object" },
		{ "{\"orders\":[]}", "service" },
		{ "{\"service\":7,\"orders\":[]}", "service" },
		{ "{\"service\":\"other\",\"orders\":[]}", "\"other\"" },
		{ "{\"service\":\"svc\"}", "orders" },
		{ "{\"service\":\"svc\",\"orders\":{}}", "orders" },
		{ "{\"service\":\"svc\",\"orders\":[7]}", "orders[0]" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"s\"},{\"op\":\"keep\",\"id\":\"s\"}]}",
		        "orders[1]" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\"}]}", "id" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"a/b\"}]}", "id" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"..\"}]}", "id" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"s\",\"replica\":-1}]}", "replica" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"s\",\"replica\":4294967296}]}",
		        "replica" },
		{ "{\"service\":\"svc\",\"orders\":[{\"op\":\"drop\",\"id\":\"s\",\"replica\":65536}]}", "0 to 65535" },
		{ "{\"service\":\"svc\",\"service\":\"svc\",\"orders\":[]}", "JSON" },
	};
	struct container_orders orders;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		why.text[0] = '\0';
		if (parse(bodies[i][0], &orders, &why) != SM_EINVAL || !strstr(why.text, bodies[i][1]))
			fail_msg("case %zu: \"%s\"", i, why.text);
	}
}

static void refused_alone(void **state)
{
	static const char *const specs[][2] = {
		{ "null", "spec" },
		{ "{}", "service" },
		{ "{\"service\":\"other\",\"updateTime\":5}", "\"other\"" },
		{ "{\"service\":\"svc\",\"updateTime\":0}", "updateTime" },
		{ "{\"service\":\"svc\",\"updateTime\":\"5\"}", "updateTime" },
		{ "{\"service\":\"svc\",\"updateTime\":5,\"id\":\"s2\"}", "s2" },
		{ "{\"service\":\"svc\",\"updateTime\":5,\"manualContainerId\":\"h:2\"}", "h:2" },
	};
	struct container_orders orders;
	struct why why;
	char body[512];

	(void)state;
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		snprintf(body, sizeof body,
		        "{\"service\":\"svc\",\"orders\":[{\"op\":\"add\",\"id\":\"s1\",\"spec\":%s},{\"op\":\"drop\","
		        "\"id\":\"s2\"}]}",
		        specs[i][0]);
		assert_int_equal(parse(body, &orders, &why), 0);
		assert_int_equal(orders.list[0].code, SM_EINVAL);
		assert_non_null(strstr(orders.list[0].why, specs[i][1]));
		assert_int_equal(orders.list[1].code, 0);
		container_orders_done(&orders);
		snprintf(body, sizeof body, "{\"id\":\"s1\",\"spec\":%s}", specs[i][0]);
		assert_int_equal(
		        container_orders_parse_one(&target, true, body, strlen(body), &orders, &why), SM_EINVAL);
		assert_non_null(strstr(why.text, specs[i][1]));
	}
}

static void sm_go_form(void **state)
{
	static const char add[] =
	        "{\"id\":\"s1\",\"spec\":{\"id\":\"s1\",\"service\":\"svc\",\"task\":\"\",\"updateTime\":5,"
	        "\"manualContainerId\":\"h:1\",\"group\":\"\",\"workerGroup\":\"\",\"lease\":{\"id\":7,\"expire\":9}}}";
	static const char drop[] = "{\"id\":\"s1\",\"spec\":null}";
	struct container_orders orders;
	struct why why;

	(void)state;
	assert_int_equal(container_orders_parse_one(&target, true, add, strlen(add), &orders, &why), 0);
	assert_int_equal(orders.count, 1);
	assert_string_equal(orders.list[0].task, "");
	container_orders_done(&orders);
	assert_int_equal(container_orders_parse_one(&target, false, drop, strlen(drop), &orders, &why), 0);
	container_orders_done(&orders);
	assert_int_equal(container_orders_parse_one(&target, false, "{", 1, &orders, &why), SM_EINVAL);
	assert_int_equal(container_orders_parse_one(&target, false, "{}", 2, &orders, &why), SM_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch),
		cmocka_unit_test(refused_whole),
		cmocka_unit_test(refused_alone),
		cmocka_unit_test(sm_go_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
