/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * keys.h: everything malformed is refused, split is the inverse of join; and the nearest name of why.h.
 */
#include "common/keys.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct keys keys;

static int setup(void **state)
{
	(void)state;
	return keys_init(&keys, "/sm", "foo.bar", NULL);
}

static const struct row {
	const char *key;
	struct keys_parts parts;
} rows[] = {
	{ "/sm/store", { .kind = KEYS_STORE } },
	{ "/sm/app/foo.bar/service/S/spec", { .kind = KEYS_SERVICE_SPEC, .service = "S" } },
	{ "/sm/app/foo.bar/service/S/shard/s1", { .kind = KEYS_SHARD_SPEC, .service = "S", .shard = "s1" } },
	{ "/sm/app/foo.bar/service/S/shard/spec", { .kind = KEYS_SHARD_SPEC, .service = "S", .shard = "spec" } },
	{ "/sm/app/foo.bar/service/foo.bar/shard/S", { .kind = KEYS_SHARD_SPEC, .service = "foo.bar", .shard = "S" } },
	{ "/sm/app/foo.bar/service/S/workerpool/g/[::1]:80",
	        { .kind = KEYS_WORKER, .service = "S", .group = "g", .container = "[::1]:80" } },
	{ "/sm/app/S/containerhb/", { .kind = KEYS_HEARTBEATS, .service = "S" } },
	{ "/sm/app/S/containerhb/h:1/694d7a",
	        { .kind = KEYS_SESSION, .service = "S", .container = "h:1", .lease = 0x694d7a } },
	{ "/sm/app/S/containerhb/h:1/7fffffffffffffff",
	        { .kind = KEYS_SESSION, .service = "S", .container = "h:1", .lease = INT64_MAX } },
	{ "/sm/app/S/shardhb/s1", { .kind = KEYS_CLAIM, .service = "S", .shard = "s1" } },
	{ "/sm/app/S/shardhb/s1/1", { .kind = KEYS_CLAIM, .service = "S", .shard = "s1", .replica = 1 } },
	{ "/sm/app/S/shardhb/s1/65535",
	        { .kind = KEYS_CLAIM, .service = "S", .shard = "s1", .replica = KEYS_REPLICA_MAX } },
	{ "/sm/app/foo.bar/shardhb/S", { .kind = KEYS_CLAIM, .service = "foo.bar", .shard = "S" } },
	{ "/sm/app/S/s/h:1/s1", { .kind = KEYS_SMGO_SHARD, .service = "S", .container = "h:1", .shard = "s1" } },
	{ "/sm/app/foo.bar/leader/1f", { .kind = KEYS_LEADER, .lease = 0x1f } },
	{ "/sm/app/foo.bar/ctl/deleted/S", { .kind = KEYS_DELETED, .service = "S" } },
};

static void test_join_and_split_are_inverse(void **state)
{
	char key[KEYS_BYTES];
	struct keys_parts parts;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(keys_join(&keys, &rows[i].parts, key, NULL), 0);
		assert_string_equal(key, rows[i].key);
		keys_split(&keys, key, strlen(key), &parts);
		assert_memory_equal(&parts, &rows[i].parts, sizeof(parts));
	}
}

static void test_rest_is_split_and_never_joined(void **state)
{
	static const char *const texts[] = { "/sm/app/S/lease/guard", "/sm/app/S/lease/session/h:1", "/sm/app/S/lease/",
		"/sm/app/S/ctl/moves/12", "/sm/app/S/ctl/policy" };
	static const enum keys_kind kinds[] = { KEYS_SMGO_LEASE, KEYS_SMGO_LEASE, KEYS_SMGO_LEASE, KEYS_CTL, KEYS_CTL };
	struct keys_parts parts;
	char key[KEYS_BYTES] = "untouched";

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		keys_split(&keys, texts[i], strlen(texts[i]), &parts);
		assert_int_equal(parts.kind, kinds[i]);
		assert_string_equal(parts.service, "S");
		assert_int_equal(keys_join(&keys, &parts, key, NULL), SM_EINVAL);
	}
	assert_string_equal(key, "untouched");
}

static void test_split_refuses_what_is_not_ours(void **state)
{
	static const char *const texts[] = { "", "/", "/sm", "/sm/", "/smx/store", "/sm/stor", "/sm/store/",
		"/sm/storex", "/sm//store", "/sm/app/other/service/S/spec", "/sm/app/foo.bar/service//spec",
		"/sm/app/foo.bar/service/S/spec/", "/sm/app/foo.bar/service/S/specs", "/sm/app/foo.bar/service/../spec",
		"/sm/app/foo.bar/service/S/shard/", "/sm/app/foo.bar/service/S/shard/a/b",
		"/sm/app/foo.bar/service/S/shard/a b", "/sm/app/foo.bar/service/S/shard/[",
		"/sm/app/foo.bar/service/S/workerpool/g", "/sm/app/foo.bar/service/S/workerpool/g/",
		"/sm/app/S/containerhb", "/sm/app/S/containerhb/h:1", "/sm/app/S/containerhb/h:1/",
		"/sm/app/S/containerhb/h:1/0", "/sm/app/S/containerhb/h:1/01", "/sm/app/S/containerhb/h:1/1F",
		"/sm/app/S/containerhb/h:1/8000000000000000", "/sm/app/S/containerhb/h:1/10000000000000000",
		"/sm/app/S/containerhb/h:1/1g", "/sm/app/S/shardhb/", "/sm/app/S/shardhb/s1/", "/sm/app/S/shardhb/s1/0",
		"/sm/app/S/shardhb/s1/01", "/sm/app/S/shardhb/s1/-1", "/sm/app/S/shardhb/s1/65536",
		"/sm/app/S/shardhb/s1/4294967296", "/sm/app/S/shardhb/s1/99999999999", "/sm/app/S/shardhb/s1/1/2",
		"/sm/app/S/shardhb/.", "/sm/app//shardhb/s1", "/sm/app/S/lease", "/sm/app/S/ctl",
		"/sm/app/other/leader/1f", "/sm/app/S/\xc3\xa4/x" };
	struct keys_parts parts;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* A copy of the exact size, so that a sanitizer sees a step beyond it. */
		size_t bytes = strlen(texts[i]);
		char *copy = malloc(bytes + 1);

		memcpy(copy, texts[i], bytes);
		keys_split(&keys, copy, bytes, &parts);
		if (parts.kind != KEYS_OTHER)
			fail_msg("%s was taken for kind %d", texts[i], parts.kind);
		free(copy);
	}
	keys_split(&keys, "/sm/app/S/shardhb/s\0001", strlen("/sm/app/S/shardhb/s") + 2, &parts);
	assert_int_equal(parts.kind, KEYS_OTHER);
}

static void test_long_ids(void **state)
{
	struct keys_parts parts = { .kind = KEYS_WORKER }, again;
	char key[KEYS_BYTES], id[KEYS_ID_BYTES + 2], text[KEYS_BYTES];

	(void)state;
	memset(id, 'x', sizeof(id));
	id[KEYS_ID_BYTES + 1] = '\0';
	assert_int_equal(keys_check(KEYS_PART_ID, "shardId", id, NULL), SM_EINVAL);
	snprintf(text, sizeof(text), "/sm/app/S/shardhb/%s", id);
	keys_split(&keys, text, strlen(text), &again);
	assert_int_equal(again.kind, KEYS_OTHER);
	id[KEYS_ID_BYTES] = '\0';
	assert_int_equal(keys_check(KEYS_PART_ID, "shardId", id, NULL), 0);
	strcpy(parts.service, id);
	strcpy(parts.group, id);
	strcpy(parts.container, id);
	assert_int_equal(keys_join(&keys, &parts, key, NULL), 0);
	keys_split(&keys, key, strlen(key), &again);
	assert_memory_equal(&parts, &again, sizeof(parts));
}

static void test_join_refuses_bad_parts(void **state)
{
	static const struct keys_parts bad[] = {
		{ .kind = KEYS_OTHER },
		{ .kind = (enum keys_kind)99 },
		{ .kind = KEYS_SERVICE_SPEC },
		{ .kind = KEYS_SERVICE_SPEC, .service = "a/b" },
		{ .kind = KEYS_SERVICE_SPEC, .service = ".." },
		{ .kind = KEYS_SHARD_SPEC, .service = "S" },
		{ .kind = KEYS_SHARD_SPEC, .service = "S", .shard = "x\n" },
		{ .kind = KEYS_WORKER, .service = "S", .group = "[g]", .container = "h:1" },
		{ .kind = KEYS_WORKER, .service = "S", .group = "g" },
		{ .kind = KEYS_SESSION, .service = "S", .container = "h:1" },
		{ .kind = KEYS_SESSION, .service = "S", .container = "h:1", .lease = -1 },
		{ .kind = KEYS_LEADER },
		{ .kind = KEYS_CLAIM, .service = "S", .shard = "s1", .replica = KEYS_REPLICA_MAX + 1 },
	};
	char key[KEYS_BYTES] = "untouched";
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(keys_join(&keys, &bad[i], key, &why), SM_EINVAL);
		assert_string_not_equal(why.text, "");
	}
	assert_string_equal(key, "untouched");
}

static void test_prefixes(void **state)
{
	char key[KEYS_BYTES];

	(void)state;
#define PREFIX(kind, service, container, expected)                                                                     \
	assert_int_equal(keys_join_prefix(&keys, kind, service, container, key, NULL), 0);                             \
	assert_string_equal(key, expected)
	PREFIX(KEYS_PREFIX_ALL, NULL, NULL, "/sm/");
	PREFIX(KEYS_PREFIX_SERVICE_SHARDS, "S", NULL, "/sm/app/foo.bar/service/S/shard/");
	PREFIX(KEYS_PREFIX_SERVICE_CONFIG, "S", NULL, "/sm/app/foo.bar/service/S/");
	PREFIX(KEYS_PREFIX_SERVICE_STATE, "S", NULL, "/sm/app/S/");
	PREFIX(KEYS_PREFIX_SESSIONS, "S", NULL, "/sm/app/S/containerhb/");
	PREFIX(KEYS_PREFIX_CONTAINER_SESSIONS, "S", "h:1", "/sm/app/S/containerhb/h:1/");
	PREFIX(KEYS_PREFIX_CLAIMS, "S", NULL, "/sm/app/S/shardhb/");
	PREFIX(KEYS_PREFIX_MANAGED, "S", NULL, "/sm/app/S/service/");
	PREFIX(KEYS_PREFIX_DELETED, NULL, NULL, "/sm/app/foo.bar/ctl/deleted/");
	assert_int_equal(keys_join_prefix(&keys, KEYS_PREFIX_SERVICE_STATE, NULL, NULL, key, NULL), SM_EINVAL);
	assert_int_equal(keys_join_prefix(&keys, KEYS_PREFIX_SERVICE_STATE, "", NULL, key, NULL), SM_EINVAL);
	assert_int_equal(keys_join_prefix(&keys, KEYS_PREFIX_SERVICE_STATE, "a/", NULL, key, NULL), SM_EINVAL);
	assert_int_equal(keys_join_prefix(&keys, KEYS_PREFIX_CONTAINER_SESSIONS, "S", NULL, key, NULL), SM_EINVAL);
}

static void test_check_says_where(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(keys_check(KEYS_PART_ID, "shardId", "a/b", &why), SM_EINVAL);
	assert_string_equal(why.text, "shardId: '/' at byte 2 is not allowed; use letters, digits and . _ : -");
	assert_int_equal(keys_check(KEYS_PART_ID, "shardId", "ab\x01", &why), SM_EINVAL);
	assert_string_equal(why.text, "shardId: 0x01 at byte 3 is not allowed; use letters, digits and . _ : -");
	assert_int_equal(keys_check(KEYS_PART_ID, "service", NULL, &why), SM_EINVAL);
	assert_string_equal(why.text, "service is missing; give it 1 to 128 characters");
	assert_int_equal(keys_check(KEYS_PART_ID, "service", "..", &why), SM_EINVAL);
	assert_int_equal(keys_check(KEYS_PART_ID, "service", "...", &why), 0);
	assert_int_equal(keys_check(KEYS_PART_ID, "service", "[a]", &why), SM_EINVAL);
	assert_int_equal(keys_check(KEYS_PART_CONTAINER, "container", "[::1]:80", &why), 0);
}

static void test_address(void **state)
{
	static const char *const good[] = { "127.0.0.1:1", "h:65535", "a-b.c_d:80", "[::1]:80", "[fe80::1:2]:1" };
	static const char *const bad[] = { "", "h", "h:", ":80", "h:0", "h:65536", "h:080", "h:+1", "h:8x", "::1:80",
		"[::1]", "[::1:80", "[]:80", "[::g]:80", "[h]:80", "a:b:80", "-h:80", ".h:80", "h/:80", "h:80 ",
		"h:999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(keys_check_address("id", good[i], false, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (keys_check_address("id", bad[i], false, NULL) != SM_EINVAL)
			fail_msg("%s was accepted", bad[i]);
	assert_int_equal(keys_check_address("id", "h:0", true, NULL), 0);
	assert_int_equal(keys_check_address("id", "h:00", true, NULL), SM_EINVAL);
}

static void test_prefix(void **state)
{
	static const char *const good[] = { "/sm", "/a/b.c/d", "/-" };
	static const char *const bad[] = { "", "/", "sm", "/sm/", "//sm", "/a//b", "/a/./b", "/..", "/a b",
		"/\xc3\xa4" };
	char text[KEYS_ID_BYTES + 2] = "/";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(keys_check_prefix(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (keys_check_prefix(bad[i], NULL) != SM_EINVAL)
			fail_msg("%s was accepted", bad[i]);
	assert_int_equal(keys_check_prefix(NULL, NULL), SM_EINVAL);
	memset(text + 1, 'x', KEYS_ID_BYTES);
	assert_int_equal(keys_check_prefix(text, NULL), SM_EINVAL);
	text[KEYS_ID_BYTES] = '\0';
	assert_int_equal(keys_check_prefix(text, NULL), 0);
}

/* Random bytes over a small alphabet: whatever is taken for ours joins to the same key again. */
static void test_split_of_anything(void **state)
{
	static const char *const words[] = { "/", "/", "/", "sm", "app", "foo.bar", "service", "S", "shard", "spec",
		"store", "containerhb", "shardhb", "workerpool", "s", "leader", "1f", "0", "1", "..", "h:1", "[", " ",
		"lease", "ctl" };
	unsigned seed = 1;
	size_t ours = 0;

	(void)state;
	for (size_t n = 0; n < 200000; n++) {
		char text[512] = "/sm/app/", key[KEYS_BYTES];
		struct keys_parts parts;

		for (size_t i = (size_t)(rand_r(&seed) % 12); i > 0; i--)
			strcat(text, words[(size_t)rand_r(&seed) % (sizeof(words) / sizeof(words[0]))]);
		keys_split(&keys, text, strlen(text), &parts);
		if (parts.kind == KEYS_OTHER || parts.kind == KEYS_SMGO_LEASE || parts.kind == KEYS_CTL)
			continue;
		ours++;
		assert_int_equal(keys_join(&keys, &parts, key, NULL), 0);
		assert_string_equal(key, text);
	}
	assert_true(ours > 100);
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "service", "port", "endpoints", "etcdPrefix", NULL };
	char name[200];

	(void)state;
	assert_string_equal(why_nearest("prot", names), "port");
	assert_string_equal(why_nearest("endpoint", names), "endpoints");
	assert_string_equal(why_nearest("etcdprefix", names), "etcdPrefix");
	assert_string_equal(why_nearest("services", names), "service");
	assert_null(why_nearest("colour", names));
	assert_null(why_nearest("", names));
	assert_null(why_nearest("x", names));
	memset(name, 'p', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(why_nearest(name, names));
}

static void test_why_may_contain_itself(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(why_set(&why, SM_EINVAL, "inner"), SM_EINVAL);
	assert_int_equal(why_set(&why, SM_EPROTO, "outer: %s", why.text), SM_EPROTO);
	assert_string_equal(why.text, "outer: inner");
	assert_int_equal(why_set(NULL, SM_EPROTO, "x"), SM_EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_and_split_are_inverse),
		cmocka_unit_test(test_rest_is_split_and_never_joined),
		cmocka_unit_test(test_split_refuses_what_is_not_ours),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_join_refuses_bad_parts),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_check_says_where),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_split_of_anything),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_why_may_contain_itself),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
