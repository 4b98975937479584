/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Everything that takes texts from outside, fed with damaged ones: what is refused has a reason and leaves nothing behind, what is taken can be
 * printed and taken again. The same on every run: the seed is fixed.
 */
#include "balancer/balancer_lines.h"
#include "common/records.h"
#include "container_orders.h"
#include "http/http_query.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 20000

static const char *const good[] = {
	"{\"service\":\"svc\",\"createTime\":5,\"maxShardCount\":3,\"maxRecoveryTime\":10}",
	"{\"id\":\"s1\",\"service\":\"svc\",\"task\":\"t\\u00e9\\n\",\"updateTime\":5,\"manualContainerId\":\"h:1\","
	"\"group\":\"g\","
	"\"workerGroup\":\"w\",\"lease\":{\"id\":7,\"expire\":9}}",
	"{\"container\":\"h:1\",\"incarnation\":12,\"beliefMs\":4850,\"ready\":true,\"token\":12}",
	"{\"incarnation\":65535}",
	"{\"timestamp\":5,\"virtualMemoryStat\":{\"total\":18446744073709551615},\"shardmgr\":{\"protocol\":1,"
	"\"labels\":{}}}",
	"{\"service\":\"svc\",\"orders\":[{\"op\":\"add\",\"id\":\"s1\",\"replica\":2,\"spec\":{\"id\":\"s1\","
	"\"service\":\"svc\","
	"\"updateTime\":5}},{\"op\":\"drop\",\"id\":\"s2\"}]}",
	"{\"id\":\"s1\",\"spec\":{\"id\":\"s1\",\"service\":\"svc\",\"updateTime\":5}}",
	"{\"op\":\"add\",\"id\":\"s1\",\"replica\":0,\"code\":-100,\"error\":\"no\",\"token\":\"72057594037928013\"}\n",
	"service=svc&shard=a%2Db&x=+%41",
};

static const char *const bits[] = { "\"", "{", "}", "[[[[", ",", ":", "null", "-1", "1e999", "18446744073709551616",
	"\\u0000", "\\ud800", "\xff", "\xc3", "%", "%00", "&", "=", "\n", "true", "\"id\":", "65536", "..", "/" };

static unsigned seed = 7;

static size_t below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

/* A damaged copy, in an allocation of its own size, so that a sanitizer sees a read past the end. */
static char *damaged(const char *text, size_t *ret_bytes)
{
	char room[2048];
	size_t bytes = strlen(text);

	memcpy(room, text, bytes);
	for (size_t times = below(5); times > 0; times--) {
		size_t at = below(bytes + 1), kind = below(4), length;
		const char *bit = bits[below(sizeof(bits) / sizeof(bits[0]))];

		if (kind == 0 && at < bytes) {
			room[at] = (char)rand_r(&seed);
		} else if (kind == 1) {
			length = below(bytes - at + 1);
			memmove(room + at, room + at + length, bytes - at - length);
			bytes -= length;
		} else if (kind == 2 && bytes + strlen(bit) < sizeof(room)) {
			memmove(room + at + strlen(bit), room + at, bytes - at);
			memcpy(room + at, bit, strlen(bit));
			bytes += strlen(bit);
		} else if (kind == 3) {
			bytes = at;
		}
	}
	char *copy = malloc(bytes + 1);
	memcpy(copy, room, bytes);
	*ret_bytes = bytes;
	return realloc(copy, bytes > 0 ? bytes : 1);
}

/* error: of a parser. Refused has a reason. */
static bool taken(int error, const struct why *why)
{
	assert_true(error == 0 || why->text[0] != '\0');
	return error == 0;
}

#define AGAIN(record, text, bytes)                                                                                     \
	do {                                                                                                           \
		struct record_##record first, second;                                                                  \
		struct why reason = { "" };                                                                            \
		if (taken(records_##record##_parse(text, bytes, &first, &reason), &reason)) {                          \
			char *printed = records_##record##_print(&first), *reprinted;                                  \
			assert_non_null(printed);                                                                      \
			assert_int_equal(records_##record##_parse(printed, strlen(printed), &second, &reason), 0);     \
			reprinted = records_##record##_print(&second);                                                 \
			assert_string_equal(printed, reprinted);                                                       \
			free(printed);                                                                                 \
			free(reprinted);                                                                               \
			records_##record##_done(&first);                                                               \
			records_##record##_done(&second);                                                              \
		}                                                                                                      \
	} while (0)

static void records(void **state)
{
	(void)state;
	for (size_t n = 0; n < ROUNDS; n++) {
		struct record_heartbeat heartbeat;
		struct why why = { "" };
		uint64_t incarnation;
		size_t bytes;
		char *text = damaged(good[below(5)], &bytes);

		AGAIN(service, text, bytes);
		AGAIN(shard, text, bytes);
		AGAIN(claim, text, bytes);
		taken(records_heartbeat_parse(text, bytes, &heartbeat, &why), &why);
		if (taken(records_store_parse(text, bytes, &incarnation, &why), &why))
			assert_true(incarnation <= UINT16_MAX);
		free(text);
	}
}

static void orders(void **state)
{
	static const struct container_orders_target target = { .service = "svc", .id = "h:1" };

	(void)state;
	for (size_t n = 0; n < ROUNDS; n++) {
		struct container_orders list;
		struct why why = { "" };
		size_t bytes;
		char *text = damaged(good[5 + below(2)], &bytes);

		if (taken(container_orders_parse(&target, text, bytes, &list, &why), &why)) {
			for (size_t i = 0; i < list.count; i++)
				assert_true(list.list[i].replica <= KEYS_REPLICA_MAX &&
				            keys_check(KEYS_PART_ID, "id", list.list[i].id, NULL) == 0);
			container_orders_done(&list);
		}
		if (taken(container_orders_parse_one(&target, below(2) == 0, text, bytes, &list, &why), &why))
			container_orders_done(&list);
		free(text);
	}
}

static bool on_line(void *arg, const struct balancer_line *line)
{
	(void)arg;
	assert_true((line->op == EXECUTOR_ADD || line->op == EXECUTOR_DROP) && line->id != NULL && line->code <= 0);
	return true;
}

static void lines(void **state)
{
	(void)state;
	for (size_t n = 0; n < ROUNDS; n++) {
		struct balancer_lines whole = { 0 };
		int error = 0;

		for (size_t times = below(4); times > 0 && error == 0; times--) {
			size_t bytes, cut;
			char *text = damaged(good[7], &bytes);

			cut = below(bytes + 1);
			error = balancer_lines_feed(&whole, text, cut, on_line, NULL);
			if (error == 0)
				error = balancer_lines_feed(&whole, text + cut, bytes - cut, on_line, NULL);
			free(text);
		}
		balancer_lines_end(&whole);
		balancer_lines_done(&whole);
	}
}

static void queries(void **state)
{
	static const char *const names[] = { "service", "shard", "x", "" };

	(void)state;
	for (size_t n = 0; n < ROUNDS; n++) {
		char value[40], query[2048];
		struct why why = { "" };
		size_t bytes;
		char *text = damaged(good[8], &bytes);

		snprintf(query, sizeof(query), "%.*s", (int)bytes, text);
		if (taken(http_query_get(query, names[below(4)], value, 1 + below(sizeof(value)), &why), &why))
			assert_true(strlen(value) < sizeof(value));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(orders),
		cmocka_unit_test(lines),
		cmocka_unit_test(queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
