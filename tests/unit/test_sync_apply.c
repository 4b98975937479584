/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * From etcd's keys to the view's rows, and what is told to others on the way.
 */
#include "sync/sync_apply.h"
#include "sync/sync_gone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants those before */
#include <cmocka.h>

struct world {
	char dir[64], told[1024]; /* what the hooks were told since the last look */
	struct keys keys;
	struct sync_apply apply;
	int64_t revision;
};

__attribute__((format(printf, 2, 3))) static void tell(struct world *world, const char *format, ...)
{
	size_t used = strlen(world->told);
	va_list args;

	va_start(args, format);
	vsnprintf(world->told + used, sizeof(world->told) - used, format, args);
	va_end(args);
}

static void on_session(void *arg, const char *service, const char *container, int64_t began, int64_t ended)
{
	tell(arg, "session %s %s +%d -%d;", service, container, (int)began, (int)ended);
}

static void on_claim(
        void *arg, const char *service, const char *shard, uint32_t replica, const struct view_claim *claim)
{
	tell(arg, "claim %s %s %u %s;", service, shard, replica, claim == NULL ? "none" : claim->container);
}

static void on_spec(void *arg, const char *service, int64_t max_recovery_time_s)
{
	tell(arg, "spec %s %d;", service, (int)max_recovery_time_s);
}

static void on_place(void *arg, const char *service)
{
	tell(arg, "place %s;", service);
}

static void on_deleted(void *arg, const char *service, int64_t mod_revision)
{
	tell(arg, "deleted %s %d;", service, (int)mod_revision);
}

static void on_malformed(void *arg, const char *key, int64_t mod_revision, const char *why)
{
	(void)mod_revision;
	assert_true(*why != '\0');
	tell(arg, "malformed %s;", key);
}

static const struct sync_apply_hooks hooks = { on_session, on_claim, on_spec, on_place, on_deleted, on_malformed };

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	bool resumable;

	strcpy(world->dir, "/tmp/test_sync_apply.XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(keys_init(&world->keys, "/sm", "M", NULL), 0);
	world->apply = (struct sync_apply){ .keys = &world->keys, .hooks = &hooks, .arg = world };
	world->apply.sessions = sync_sessions_new();
	world->apply.now = (struct clocks){ .boot_ns = 77, .raw_ns = 78 };
	assert_int_equal(
	        view_writer_open(world->dir, &(struct view_identity){ "/sm", "M" }, &world->apply.writer, &resumable),
	        0);
	assert_int_equal(view_writer_reset(world->apply.writer, 10), 0);
	view_writer_store_incarnation(world->apply.writer, 3);
	world->revision = 100;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char command[128];

	view_writer_close(world->apply.writer);
	sync_sessions_free(world->apply.sessions);
	sync_apply_done(&world->apply);
	snprintf(command, sizeof(command), "rm -r %s", world->dir);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

/* One revision: a put, or a deletion when value is NULL. */
static void change(struct world *world, const char *key, const char *value, int64_t create_revision)
{
	struct etcd_kv kv = { .key = key,
		.key_bytes = strlen(key),
		.value = value,
		.value_bytes = value == NULL ? 0 : strlen(value),
		.create_revision = create_revision,
		.mod_revision = ++world->revision };

	view_writer_begin(world->apply.writer);
	assert_int_equal(value == NULL ? sync_apply_delete(&world->apply, &kv) : sync_apply_put(&world->apply, &kv), 0);
	view_writer_publish(world->apply.writer, (uint64_t)world->revision);
}

static void assert_told(struct world *world, const char *expected)
{
	assert_string_equal(world->told, expected);
	world->told[0] = '\0';
}

static const struct view *view_of(const struct world *world)
{
	return view_writer_view(world->apply.writer);
}

static struct view_service service_of(const struct world *world, const char *name)
{
	struct view_service service = { 0 };
	uint32_t row = view_service_find(view_of(world), name);

	if (row != VIEW_NONE)
		view_service_get(view_of(world), row, &service);
	return service;
}

static bool find_shard(const struct world *world, const char *id, uint32_t replica, struct view_shard *ret_shard)
{
	uint32_t row = view_shard_find(view_of(world), view_service_find(view_of(world), "S"), id, replica);

	if (row == VIEW_NONE || view_shard_removed(view_of(world), row))
		return false;
	view_shard_get(view_of(world), row, ret_shard);
	return true;
}

static struct view_container container_of(const struct world *world, const char *id)
{
	struct view_container container = { 0 };

	view_container_get(view_of(world),
	        view_container_find(view_of(world), view_service_find(view_of(world), "S"), id), &container);
	return container;
}

#define SPEC "{\"service\":\"S\",\"createTime\":5,\"maxShardCount\":6,\"maxRecoveryTime\":7}"

static void test_specs(void **state)
{
	struct world *world = *state;

	change(world, "/sm/app/M/service/S/spec", SPEC, 0);
	assert_told(world, "spec S 7;");
	assert_true(service_of(world, "S").exists);
	assert_int_equal(service_of(world, "S").max_shard_count, 6);
	assert_string_equal(service_of(world, "S").spec, SPEC);
	change(world, "/sm/app/M/service/S/spec", "nonsense", 0);
	assert_told(world, "malformed /sm/app/M/service/S/spec;spec S 0;");
	assert_false(service_of(world, "S").exists);
	change(world, "/sm/app/M/service/S/spec", SPEC, 0);
	change(world, "/sm/app/M/service/S/spec", NULL, 0);
	assert_false(service_of(world, "S").exists);
	assert_told(world, "spec S 7;spec S 0;");
}

static void test_shards_and_workers(void **state)
{
	struct world *world = *state;
	struct view_shard shard;

	change(world, "/sm/app/M/service/S/shard/s1",
	        "{\"id\":\"s1\",\"task\":\"t\",\"group\":\"g\",\"workerGroup\":\"w\",\"manualContainerId\":\"h:1\","
	        "\"updateTime\":9,\"lease\":{\"id\":11,\"expire\":12}}",
	        0);
	assert_true(find_shard(world, "s1", 0, &shard));
	assert_string_equal(shard.task, "t");
	assert_string_equal(shard.pin, "h:1");
	assert_int_equal(shard.lease_id, 11);
	assert_int_equal(shard.spec_revision, world->revision);
	change(world, "/sm/app/M/service/S/shard/s1", "{\"task\":5}", 0);
	assert_told(world, "malformed /sm/app/M/service/S/shard/s1;");
	assert_false(find_shard(world, "s1", 0, &shard));
	change(world, "/sm/app/M/service/S/workerpool/g/h:1", "", 0);
	assert_int_not_equal(view_worker_first(view_of(world), view_service_find(view_of(world), "S")), VIEW_NONE);
	change(world, "/sm/app/M/service/S/workerpool/g/h:1", NULL, 0);
	assert_int_equal(view_worker_first(view_of(world), view_service_find(view_of(world), "S")), VIEW_NONE);
	assert_told(world, "");
}

#define SESSION(lease) "/sm/app/S/containerhb/h:1/" lease

static void test_oldest_session_holds_the_id(void **state)
{
	struct world *world = *state;

	change(world, "/sm/app/M/service/S/spec", SPEC, 0); /* else the service goes with its last container */
	world->told[0] = '\0';
	change(world, SESSION("aa"), "", 50);
	assert_told(world, "session S h:1 +50 -0;");
	assert_true(container_of(world, "h:1").alive);
	assert_false(container_of(world, "h:1").ours);
	change(world, SESSION("aa"), "{\"shardmgr\":{\"protocol\":1}}", 50);
	assert_told(world, "");
	assert_true(container_of(world, "h:1").ours);
	change(world, SESSION("bb"), "[", 60);
	assert_told(world, "malformed " SESSION("bb") ";session S h:1 +60 -0;");
	change(world, SESSION("cc"), "{}", 40); /* listed later, but older */
	assert_int_equal(container_of(world, "h:1").incarnation, 40);
	change(world, SESSION("cc"), NULL, 0);
	assert_int_equal(container_of(world, "h:1").incarnation, 50);
	assert_int_equal(container_of(world, "h:1").lease, 0xaa);
	world->told[0] = '\0';
	change(world, SESSION("aa"), NULL, 0);
	assert_told(world, "session S h:1 +0 -50;");
	assert_int_equal(container_of(world, "h:1").incarnation, 60);
	assert_string_equal(container_of(world, "h:1").heartbeat, "");
	change(world, SESSION("bb"), NULL, 0);
	assert_told(world, "session S h:1 +0 -60;");
	assert_false(container_of(world, "h:1").alive);
	assert_int_equal(container_of(world, "h:1").gone_boot_ns, 77);
	change(world, SESSION("dd"), NULL, 0); /* never known */
	assert_told(world, "");
}

#define CLAIM(container, incarnation, rest)                                                                            \
	"{\"container\":\"" container "\",\"incarnation\":" incarnation ",\"beliefMs\":4850,\"ready\":true" rest "}"

static void test_claims(void **state)
{
	struct world *world = *state;
	struct view_shard shard;

	change(world, "/sm/app/S/shardhb/s1", CLAIM("h:1", "50", ""), 0);
	assert_told(world, "claim S s1 0 h:1;");
	assert_true(find_shard(world, "s1", 0, &shard));
	assert_int_equal(shard.claim_token, UINT64_C(3) << 48 | 101);
	assert_int_equal(shard.belief_ms, 4850);
	change(world, "/sm/app/S/shardhb/s1", CLAIM("h:1", "50", ",\"token\":101"), 0);
	assert_true(find_shard(world, "s1", 0, &shard));
	assert_int_equal(shard.claim_token, UINT64_C(3) << 48 | 101);
	assert_int_equal(shard.claim_mod_revision, 102);
	change(world, "/sm/app/S/shardhb/s1/2", CLAIM("h:2", "51", ""), 0);
	assert_true(find_shard(world, "s1", 2, &shard));
	world->told[0] = '\0';
	change(world, "/sm/app/S/shardhb/s1", NULL, 0);
	assert_told(world, "claim S s1 0 none;");
	assert_false(find_shard(world, "s1", 0, &shard));
	assert_true(find_shard(world, "s1", 2, &shard));
}

static void test_claims_that_make_no_sense(void **state)
{
	static const char *const bad[] = { "", "{}", CLAIM("", "50", ""), CLAIM("a/b", "50", ""), CLAIM("h:1", "0", ""),
		CLAIM("h:1", "-1", ""), CLAIM("h:1", "999", ""), CLAIM("h:1", "50", ",\"token\":999"),
		"{\"container\":\"h:1\",\"incarnation\":50,\"beliefMs\":0,\"ready\":true}" };
	struct world *world = *state;
	struct view_shard shard;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		change(world, "/sm/app/S/shardhb/s1", CLAIM("h:1", "50", ""), 0);
		world->told[0] = '\0';
		change(world, "/sm/app/S/shardhb/s1", bad[i], 0);
		assert_told(world, "malformed /sm/app/S/shardhb/s1;claim S s1 0 none;");
		assert_false(find_shard(world, "s1", 0, &shard));
	}
}

static void test_store_and_marks(void **state)
{
	struct world *world = *state;

	change(world, "/sm/store", "{\"incarnation\": 4}", 0);
	assert_int_equal(world->apply.store_incarnation, 4);
	assert_string_equal(world->apply.store_value, "{\"incarnation\": 4}");
	change(world, "/sm/store", "{\"incarnation\":0}", 0);
	assert_told(world, "malformed /sm/store;");
	assert_int_equal(world->apply.store_incarnation, 0);
	assert_null(world->apply.store_value);
	change(world, "/sm/store", "{\"incarnation\":5}", 0);
	change(world, "/sm/store", NULL, 0);
	assert_int_equal(world->apply.store_incarnation, 0);
	change(world, "/sm/app/S/containerhb/", "", 0);
	change(world, "/sm/app/M/ctl/deleted/S", "{}", 0);
	change(world, "/sm/app/M/ctl/deleted/S", NULL, 0);
	assert_told(world, "place S;deleted S 106;deleted S 0;");
}

static void test_other_keys_are_left_alone(void **state)
{
	static const char *const others[] = { "/sm/app/S/nonsense", "/sm/app/S/lease/guard", "/sm/app/S/ctl/policy",
		"/sm/app/S/s/h:1/s1", "/sm/app/M/leader/1f", "/sm/app/other/service/S/spec", "/sm/x" };
	struct world *world = *state;
	uint64_t cursor = view_change_cursor(view_of(world));

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		change(world, others[i], "[", 0);
		change(world, others[i], NULL, 0);
	}
	assert_told(world, "");
	assert_int_equal(view_change_cursor(view_of(world)), cursor);
}

static void note_claim(void *arg, const struct sync_free_claim *claim)
{
	tell(arg, "%s %s %s/%u %d %d;", claim->service, claim->container, claim->shard, claim->replica,
	        (int)claim->incarnation, (int)claim->mod_revision);
}

static void test_which_claims_are_gone(void **state)
{
	struct world *world = *state;

	change(world, SESSION("aa"), "{}", 50);
	change(world, SESSION("bb"), "{}", 60);
	change(world, "/sm/app/S/shardhb/s1", CLAIM("h:1", "50", ""), 0);
	change(world, "/sm/app/S/shardhb/s2", CLAIM("h:1", "60", ""), 0);
	change(world, "/sm/app/S/shardhb/s3/1", CLAIM("h:1", "40", ""), 0);
	change(world, "/sm/app/S/shardhb/s4", CLAIM("h:10", "50", ""), 0);
	world->told[0] = '\0';
	sync_gone_each(view_of(world), world->apply.sessions, "S", note_claim, world);
	assert_told(world, "S h:1 s3/1 40 105;S h:10 s4/0 50 106;");
	sync_gone_each(view_of(world), world->apply.sessions, "T", note_claim, world);
	assert_told(world, "");
}

static void test_remembering_writes_no_row(void **state)
{
	struct world *world = *state;
	uint64_t cursor = view_change_cursor(view_of(world));
	struct etcd_kv kv = { .key = SESSION("aa"),
		.key_bytes = strlen(SESSION("aa")),
		.value = "{}",
		.value_bytes = 2,
		.create_revision = 50,
		.mod_revision = 60 };

	assert_int_equal(sync_apply_remember(&world->apply, &kv), 0);
	assert_true(sync_sessions_present(world->apply.sessions, "S", "h:1", 50));
	assert_false(sync_sessions_present(world->apply.sessions, "S", "h:1", 51));
	assert_false(sync_sessions_present(world->apply.sessions, "S", "h:10", 50));
	assert_false(sync_sessions_present(world->apply.sessions, "Sh", ":1", 50));
	assert_int_equal(view_change_cursor(view_of(world)), cursor);
	assert_told(world, "");
	sync_sessions_clear(world->apply.sessions);
	assert_false(sync_sessions_present(world->apply.sessions, "S", "h:1", 50));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_specs),
		TEST(test_shards_and_workers),
		TEST(test_oldest_session_holds_the_id),
		TEST(test_claims),
		TEST(test_claims_that_make_no_sense),
		TEST(test_store_and_marks),
		TEST(test_other_keys_are_left_alone),
		TEST(test_which_claims_are_gone),
		TEST(test_remembering_writes_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
