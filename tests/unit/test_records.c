/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * records.h: what sm-go writes is read, what we print is what we read, wrong types are named.
 */
#include "common/records.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARSE(what, text, ret, why) records_##what##_parse(text, strlen(text), ret, why)

static void test_service(void **state)
{
	struct record_service r;
	char *text;

	(void)state;
	assert_int_equal(
	        PARSE(service,
	                "{\"service\":\"S\",\"createTime\":1700000000,\"maxShardCount\":3,\"maxRecoveryTime\":10,"
	                "\"unknown\":[1]}",
	                &r, NULL),
	        0);
	assert_string_equal(r.service, "S");
	assert_int_equal(r.create_time, 1700000000);
	assert_int_equal(r.max_shard_count, 3);
	assert_int_equal(r.max_recovery_time_s, 10);
	text = records_service_print(&r);
	assert_string_equal(
	        text, "{\"service\":\"S\",\"createTime\":1700000000,\"maxShardCount\":3,\"maxRecoveryTime\":10}");
	free(text);
	records_service_done(&r);
	assert_null(r.service);
	records_service_done(&r);
}

static void test_shard_of_smgo(void **state)
{
	static const char *const text =
	        "{\"id\":\"s1\",\"service\":\"S\",\"task\":\"{\\\"a\\\":1}\",\"updateTime\":5,\"manualContainerId\":"
	        "\"\",\"group\":"
	        "\"g\",\"workerGroup\":\"w\",\"lease\":{\"id\":7587848943239472142,\"expire\":-1}}";
	struct record_shard r;
	char *printed;

	(void)state;
	assert_int_equal(PARSE(shard, text, &r, NULL), 0);
	assert_string_equal(r.task, "{\"a\":1}");
	assert_int_equal(r.lease_id, 7587848943239472142);
	assert_int_equal(r.lease_expire, -1);
	printed = records_shard_print(&r);
	assert_string_equal(printed, text);
	free(printed);
	records_shard_done(&r);
}

static void test_shard_without_fields(void **state)
{
	struct record_shard r;
	struct record_shard empty = { 0 };
	char *printed;

	(void)state;
	assert_int_equal(PARSE(shard, "{\"id\":\"s1\",\"task\":null,\"lease\":null}", &r, NULL), 0);
	assert_string_equal(r.task, "");
	assert_string_equal(r.service, "");
	assert_int_equal(r.lease_id, 0);
	records_shard_done(&r);
	printed = records_shard_print(&empty);
	assert_string_equal(printed,
	        "{\"id\":\"\",\"service\":\"\",\"task\":\"\",\"updateTime\":0,\"manualContainerId\":\"\","
	        "\"group\":\"\",\"workerGroup\":\"\",\"lease\":null}");
	free(printed);
	empty.task = "\xff";
	assert_null(records_shard_print(&empty));
}

static void test_claim(void **state)
{
	struct record_claim r;
	char *text;

	(void)state;
	assert_int_equal(
	        PARSE(claim, "{\"container\":\"h:1\",\"incarnation\":12,\"beliefMs\":4850,\"ready\":true,\"token\":9}",
	                &r, NULL),
	        0);
	assert_string_equal(r.container, "h:1");
	assert_int_equal(r.incarnation, 12);
	assert_int_equal(r.belief_ms, 4850);
	assert_true(r.ready);
	assert_int_equal(r.token, 9);
	r.token = 0;
	text = records_claim_print(&r);
	assert_string_equal(text, "{\"container\":\"h:1\",\"incarnation\":12,\"beliefMs\":4850,\"ready\":true}");
	free(text);
	records_claim_done(&r);
}

static void test_store(void **state)
{
	uint64_t incarnation = 7;
	char *text = records_store_print(65535);

	(void)state;
	assert_string_equal(text, "{\"incarnation\":65535}");
	assert_int_equal(PARSE(store, text, &incarnation, NULL), 0);
	assert_int_equal(incarnation, 65535);
	free(text);
	assert_int_equal(PARSE(store, "{\"incarnation\":65536}", &incarnation, NULL), SM_EPROTO);
	assert_int_equal(PARSE(store, "{\"incarnation\":-1}", &incarnation, NULL), SM_EPROTO);
	assert_int_equal(incarnation, 65535);
	assert_int_equal(records_token(1, 13), UINT64_C(281474976710669));
}

static void test_heartbeat(void **state)
{
	struct record_heartbeat r;
	json_t *labels = json_pack("{s:s}", "zone", "a"), *object;
	char *text = records_heartbeat_print(labels);

	(void)state;
	json_decref(labels);
	assert_non_null(text);
	assert_int_equal(PARSE(heartbeat, text, &r, NULL), 0);
	assert_true(r.ours);
	assert_int_equal(r.protocol, RECORDS_PROTOCOL);
	object = json_loads(text, 0, NULL);
	assert_true(json_integer_value(json_object_get(object, "timestamp")) > 1700000000);
	assert_true(json_integer_value(json_object_get(json_object_get(object, "virtualMemoryStat"), "total")) >
	            1024 * 1024);
	assert_string_equal(json_string_value(json_object_get(
	                            json_object_get(json_object_get(object, "shardmgr"), "labels"), "zone")),
	        "a");
	assert_null(json_object_get(object, "shards"));
	json_decref(object);
	free(text);
	text = records_heartbeat_print(NULL);
	assert_non_null(strstr(text, "\"labels\":{}"));
	free(text);
}

static void test_heartbeat_of_smgo(void **state)
{
	struct record_heartbeat r;

	(void)state;
	assert_int_equal(PARSE(heartbeat,
	                         "{\"timestamp\":1700000000,\"virtualMemoryStat\":{\"total\":18446744073709551615,"
	                         "\"usedPercent\":"
	                         "12.5},\"cpuUsedPercent\":3,\"diskIOCountersStat\":null,\"netIOCountersStat\":{},"
	                         "\"shards\":null}",
	                         &r, NULL),
	        0);
	assert_false(r.ours);
	assert_int_equal(r.protocol, 0);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":null}", &r, NULL), 0);
	assert_false(r.ours);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":{\"protocol\":2}}", &r, NULL), 0);
	assert_int_equal(r.protocol, 2);
}

static void test_wrong_types_are_named(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "{\"id\":1}", "field \"id\" must be a string" },
		{ "{\"id\":\"s1\",\"updateTime\":\"5\"}", "field \"updateTime\" must be an integer" },
		{ "{\"id\":\"s1\",\"updateTime\":5.0}", "field \"updateTime\" must be an integer" },
		{ "{\"id\":\"s1\",\"lease\":1}", "field \"lease\" must be an object or null" },
		{ "{\"lease\":{\"id\":\"1\"}}", "field \"id\" must be an integer" },
		{ "[]", "not a JSON object" },
	};
	static const char *const broken[] = { "", "{", "{\"id\":\"s1\"", "{}x", "null", "\"x\"", "{\"id\":\"\\u0000\"}",
		"{\"updateTime\":99999999999999999999}", "{\"id\":\"\xff\"}", "\xef\xbb\xbf{}" };
	struct record_shard r;
	struct record_claim claim;
	struct record_heartbeat heartbeat;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PARSE(shard, rows[i].text, &r, &why), SM_EPROTO);
		assert_string_equal(why.text, rows[i].expected);
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(PARSE(shard, broken[i], &r, &why), SM_EPROTO);
	assert_int_equal(PARSE(claim, "{\"beliefMs\":4294967296}", &claim, &why), SM_EPROTO);
	assert_string_equal(why.text, "field \"beliefMs\" is 4294967296, out of range");
	assert_int_equal(PARSE(claim, "{\"incarnation\":-1}", &claim, &why), SM_EPROTO);
	assert_int_equal(PARSE(claim, "{\"ready\":1}", &claim, &why), SM_EPROTO);
	assert_int_equal(PARSE(claim, "{\"token\":281474976710656}", &claim, &why), SM_EPROTO);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":1}", &heartbeat, &why), SM_EPROTO);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":{\"protocol\":\"1\"}}", &heartbeat, &why), SM_EPROTO);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":{\"protocol\":1e300}}", &heartbeat, &why), SM_EPROTO);
	assert_int_equal(PARSE(heartbeat, "{\"shardmgr\":{\"protocol\":1.5}}", &heartbeat, &why), SM_EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_shard_of_smgo),
		cmocka_unit_test(test_shard_without_fields),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_heartbeat_of_smgo),
		cmocka_unit_test(test_wrong_types_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
