/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The view as its users see it: what is put can be read, by the writer's own view and by a reader.
 */
#include "shardmgr.h"
#include "view_help.h"

#include <sys/stat.h>

static void test_empty_directory(void **state)
{
	struct view_fixture *fixture = *state;
	struct view *view = NULL;
	assert_int_equal(view_open(fixture->dir, &view), SM_ENOENT);
	assert_int_equal(view_open("/tmp/no/such/dir", &view), SM_ENOENT);
	assert_false(view_help_open(fixture));
	/* there is a header page now, but no segment */
	assert_int_equal(view_open(fixture->dir, &view), SM_ENOENT);
	assert_int_equal(view_writer_reset(fixture->writer, 10), 0);
	assert_int_equal(view_open(fixture->dir, &view), SM_ENOENT);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 5);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	assert_int_equal(view_revision(view), 5);
	assert_string_equal(view_prefix(view), "/sm");
	assert_string_equal(view_manager_service(view), "foo.bar");
	assert_int_equal(view_service_first(view), VIEW_NONE);
	view_close(view);
}

static const struct view_service_spec full_service = { "{\"service\":\"mirror\"}", 1700000000, 100, 30, 11 };
static const struct view_shard_spec full_shard = { .group = "g",
	.worker_group = "wg",
	.pin = "h:1",
	.task = "the task",
	.update_time = 1,
	.spec_revision = 12,
	.lease_id = 77,
	.lease_expire = 78 };

/* One of everything, and a second replica of the shard; opened by a reader. */
static struct view *open_full(struct view_fixture *fixture)
{
	struct view *view;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	view_writer_store_incarnation(writer, 3);
	view_writer_begin(writer);
	assert_int_equal(view_writer_service_put(writer, "mirror", &full_service), 0);
	assert_int_equal(view_writer_shard_put(writer, "mirror", "s1", 0, &full_shard), 0);
	assert_int_equal(view_writer_shard_put(writer, "mirror", "s1", 2, &full_shard), 0);
	view_help_container(writer, "mirror", "h:1", 7);
	view_help_claim(writer, "mirror", "s1", "h:1", 20);
	assert_int_equal(view_writer_worker_put(writer, "mirror", "wg", "h:1", 21), 0);
	view_writer_publish(writer, 21);
	view_writer_synced(writer, 12345);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	return view;
}

static void test_service(void **state)
{
	struct view *view = open_full(*state);
	struct view_service got;
	uint32_t service = view_service_find(view, "mirror");
	assert_int_equal(view_revision(view), 21);
	assert_int_equal(view_synced_at_ms(view), 12345);
	assert_int_equal(view_store_incarnation(view), 3);
	view_service_get(view, service, &got);
	assert_string_equal(got.name, "mirror");
	assert_true(got.exists);
	assert_string_equal(got.spec, full_service.spec);
	assert_int_equal(got.create_time, 1700000000);
	assert_int_equal(got.max_shard_count, 100);
	assert_int_equal(got.max_recovery_time_s, 30);
	assert_int_equal(got.spec_revision, 11);
	assert_int_equal(got.shard_count, 1);
	assert_int_equal(got.container_count, 1);
	assert_int_equal(got.claim_count, 1);
	assert_int_equal(view_service_version(view, service), 21);
	assert_int_equal(view_service_config_version(view, service), 21);
	view_close(view);
}

static void test_shard(void **state)
{
	struct view *view = open_full(*state);
	struct view_shard got;
	uint32_t service = view_service_find(view, "mirror");
	uint32_t shard = view_shard_find(view, service, "s1", 0), replica = view_shard_find(view, service, "s1", 2);
	view_shard_get(view, shard, &got);
	assert_string_equal(got.id, "s1");
	assert_int_equal(got.service, service);
	assert_true(got.exists && got.ready);
	assert_string_equal(got.group, "g");
	assert_string_equal(got.worker_group, "wg");
	assert_string_equal(got.pin, "h:1");
	assert_string_equal(got.task, "the task");
	assert_int_equal(got.update_time, 1);
	assert_int_equal(got.spec_revision, 12);
	assert_int_equal(got.lease_id, 77);
	assert_int_equal(got.lease_expire, 78);
	assert_int_equal(got.claim_incarnation, 7);
	assert_int_equal(got.claim_mod_revision, 20);
	assert_int_equal(got.belief_ms, 4850);
	assert_true(got.claim_token == (UINT64_C(3) << 48 | 20));
	assert_int_equal(view_shard_first(view, service), shard);
	assert_int_equal(view_shard_next(view, shard), replica);
	assert_int_equal(view_shard_next(view, replica), VIEW_NONE);
	view_shard_get(view, replica, &got);
	assert_int_equal(got.replica, 2);
	assert_int_equal(got.claim_container, 0);
	assert_int_equal(view_shard_find(view, service, "s1", 1), VIEW_NONE);
	view_close(view);
}

static void test_container_and_worker(void **state)
{
	struct view *view = open_full(*state);
	struct view_container got;
	struct view_worker worker;
	uint32_t service = view_service_find(view, "mirror"), container = view_container_find(view, service, "h:1");
	view_container_get(view, container, &got);
	assert_string_equal(got.id, "h:1");
	assert_true(got.alive && got.ours);
	assert_int_equal(got.incarnation, 7);
	assert_int_equal(got.lease, 99);
	assert_string_equal(got.heartbeat, "{}");
	assert_int_equal(view_container_by_number(view, got.number), container);
	assert_int_equal(view_container_first(view, service), container);
	assert_int_equal(view_container_next(view, container), VIEW_NONE);
	view_worker_get(view, view_worker_first(view, service), &worker);
	assert_string_equal(worker.group, "wg");
	assert_string_equal(worker.container, "h:1");
	view_close(view);
}

static void test_lookup(void **state)
{
	struct view *view = open_full(*state);
	struct view_owner owner;
	assert_true(view_help_lookup(view, "mirror", "s1", &owner));
	assert_int_equal(owner.container, 1);
	assert_true(owner.token == (UINT64_C(3) << 48 | 20));
	assert_true(view_lookup(view, "mirror", 6, "s1", 2, 2, &owner));
	assert_int_equal(owner.container, 0);
	assert_int_equal(owner.token, 0);
	assert_false(view_lookup(view, "mirror", 6, "s1", 2, 1, &owner));
	assert_false(view_help_lookup(view, "mirror", "s", &owner));
	assert_false(view_help_lookup(view, "mirrors", "1", &owner));
	view_close(view);
}

/* A claim that is not ready is nobody to route to. */
static void test_ready(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_owner owner;
	struct view_claim claim = { .container = "h:1", .incarnation = 1, .mod_revision = 9, .token_revision = 9 };
	view_writer_begin(writer);
	assert_int_equal(view_writer_claim_put(writer, "s", "a", 0, &claim), 0);
	assert_true(view_help_lookup(view, "s", "a", &owner));
	assert_int_equal(owner.container, 0);
	claim.ready = true;
	claim.mod_revision = 10;
	assert_int_equal(view_writer_claim_put(writer, "s", "a", 0, &claim), 0);
	assert_true(view_help_lookup(view, "s", "a", &owner));
	assert_int_equal(owner.container, 1);
	assert_int_equal(owner.token, 9);
	/* the container is known by the claim alone */
	struct view_container container;
	view_container_get(view, view_container_by_number(view, 1), &container);
	assert_string_equal(container.id, "h:1");
	assert_false(container.alive);
	struct view_service service;
	view_service_get(view, view_service_first(view), &service);
	assert_false(service.exists);
	assert_int_equal(service.claim_count, 1);
	assert_int_equal(service.shard_count, 0);
	/* nothing is left of it */
	assert_int_equal(view_writer_claim_remove(writer, "s", "a", 0, 11), 0);
	assert_false(view_help_lookup(view, "s", "a", &owner));
	assert_int_equal(view_service_first(view), VIEW_NONE);
	assert_int_equal(view_service_find(view, "s"), VIEW_NONE);
	view_writer_publish(writer, 11);
}

static void test_remove(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_owner owner;
	struct view_shard shard;
	view_writer_begin(writer);
	view_help_shard(writer, "s", "a", "1", 1);
	view_help_shard(writer, "s", "b", "2", 2);
	view_help_shard(writer, "s", "c", "3", 3);
	view_help_claim(writer, "s", "b", "h:1", 4);
	uint32_t service = view_service_find(view, "s");
	uint32_t a = view_shard_find(view, service, "a", 0), b = view_shard_find(view, service, "b", 0);
	assert_int_equal(view_writer_shard_remove(writer, "s", "a", 0, 5), 0);
	assert_int_equal(view_writer_shard_remove(writer, "s", "a", 0, 5), 0);
	assert_int_equal(view_writer_shard_remove(writer, "s", "nobody", 0, 5), 0);
	assert_int_equal(view_writer_shard_remove(writer, "nobody", "a", 0, 5), 0);
	assert_true(view_shard_removed(view, a));
	assert_false(view_help_lookup(view, "s", "a", &owner));
	assert_int_equal(view_shard_find(view, service, "a", 0), VIEW_NONE);
	assert_int_equal(view_shard_first(view, service), b);
	/* removed, but claimed: stays until the claim goes */
	assert_int_equal(view_writer_shard_remove(writer, "s", "b", 0, 6), 0);
	assert_true(view_help_lookup(view, "s", "b", &owner));
	assert_int_equal(owner.container, 1);
	view_shard_get(view, b, &shard);
	assert_false(shard.exists);
	assert_string_equal(shard.task, "");
	assert_int_equal(view_writer_claim_remove(writer, "s", "b", 0, 7), 0);
	assert_false(view_help_lookup(view, "s", "b", &owner));
	assert_true(view_shard_removed(view, b));
	/* it comes back on its row */
	view_help_shard(writer, "s", "a", "again", 8);
	assert_int_equal(view_shard_find(view, service, "a", 0), a);
	assert_true(view_help_lookup(view, "s", "a", &owner));
	view_shard_get(view, a, &shard);
	assert_string_equal(shard.task, "again");
	struct view_service got;
	view_service_get(view, service, &got);
	assert_int_equal(got.shard_count, 2);
	assert_int_equal(got.claim_count, 0);
	view_writer_publish(writer, 8);
}

static void test_container_gone(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_container container;
	view_writer_begin(writer);
	view_help_container(writer, "s", "h:1", 5);
	assert_int_equal(view_writer_container_gone(writer, "s", "h:1", 1000, 6), 0);
	assert_int_equal(view_writer_container_gone(writer, "s", "h:1", 2000, 7), 0);
	view_container_get(view, 0, &container);
	assert_false(container.alive);
	assert_true(container.ours);
	assert_int_equal(container.gone_boot_ns, 1000);
	assert_int_equal(container.incarnation, 0);
	view_help_container(writer, "s", "h:1", 8);
	view_container_get(view, 0, &container);
	assert_true(container.alive);
	assert_int_equal(container.number, 1);
	assert_int_equal(container.gone_boot_ns, 0);
	view_writer_publish(writer, 8);
}

static void test_workers(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	const struct view *view = view_writer_view(writer);
	struct view_worker worker;
	view_writer_begin(writer);
	assert_int_equal(view_writer_worker_put(writer, "s", "g", "h:1", 1), 0);
	assert_int_equal(view_writer_worker_put(writer, "s", "g", "h:2", 2), 0);
	assert_int_equal(view_writer_worker_put(writer, "s", "g", "h:2", 2), 0);
	assert_int_equal(view_writer_worker_put(writer, "s", "g2", "h:2", 3), 0);
	assert_int_equal(view_writer_worker_remove(writer, "s", "g", "h:1", 4), 0);
	assert_int_equal(view_writer_worker_remove(writer, "s", "g", "h:9", 4), 0);
	uint32_t service = view_service_find(view, "s"), row = view_worker_first(view, service);
	view_worker_get(view, row, &worker);
	assert_string_equal(worker.container, "h:2");
	row = view_worker_next(view, row);
	view_worker_get(view, row, &worker);
	assert_string_equal(worker.group, "g2");
	assert_int_equal(view_worker_next(view, row), VIEW_NONE);
	view_writer_publish(writer, 4);
}

static void test_bad_arguments(void **state)
{
	struct view_fixture *fixture = *state;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	struct view_shard_spec spec = { .spec_revision = 1 };
	struct view_claim claim = { .container = "h:1" };
	char *large = malloc((16u << 20) + 2);
	memset(large, 'x', (16u << 20) + 1);
	large[(16u << 20) + 1] = '\0';
	view_writer_begin(writer);
	assert_int_equal(view_writer_shard_put(writer, "", "a", 0, &spec), SM_EINVAL);
	assert_int_equal(view_writer_shard_put(writer, "s", "", 0, &spec), SM_EINVAL);
	assert_int_equal(view_writer_shard_put(writer, "s", "a", 65536, &spec), SM_EINVAL);
	spec.task = large;
	assert_int_equal(view_writer_shard_put(writer, "s", "a", 0, &spec), SM_EINVAL);
	spec.task = large + 3; /* one less than 16 MiB */
	assert_int_equal(view_writer_shard_put(writer, "s", "a", 0, &spec), 0);
	claim.token_revision = UINT64_C(1) << 44;
	assert_int_equal(view_writer_claim_put(writer, "s", "a", 0, &claim), SM_EINVAL);
	claim = (struct view_claim){ .container = "" };
	assert_int_equal(view_writer_claim_put(writer, "s", "a", 0, &claim), SM_EINVAL);
	view_writer_publish(writer, 1);
	struct view_shard shard;
	view_shard_get(view_writer_view(writer), 0, &shard);
	assert_string_equal(shard.task, large + 3);
	/* numbers of nothing */
	view_shard_get(view_writer_view(writer), VIEW_NONE, &shard);
	assert_string_equal(shard.id, "");
	assert_int_equal(view_shard_first(view_writer_view(writer), 7), VIEW_NONE);
	assert_int_equal(view_container_by_number(view_writer_view(writer), 0), VIEW_NONE);
	free(large);
}

static void test_file_modes(void **state)
{
	struct view_fixture *fixture = *state;
	struct stat status;
	char path[128];
	mode_t mask = umask(077);
	view_help_start(fixture, 0);
	umask(mask);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 1);
	snprintf(path, sizeof(path), "%s/view", fixture->dir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	snprintf(path, sizeof(path), "%s/view.1", fixture->dir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	snprintf(path, sizeof(path), "%s/view.lock", fixture->dir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty_directory),
		TEST(test_service),
		TEST(test_shard),
		TEST(test_container_and_worker),
		TEST(test_lookup),
		TEST(test_ready),
		TEST(test_remove),
		TEST(test_container_gone),
		TEST(test_workers),
		TEST(test_bad_arguments),
		TEST(test_file_modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
