/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Routing through the public face: what it finds, and threads that go on looking while the view grows into new segments.
 */
#include "shardmgr.h"
#include "view_help.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void finds_owners(void **state)
{
	struct view_fixture *fixture = *state;
	struct sm_route *route = NULL;
	char address[256] = "untouched";
	uint64_t token = 77;

	assert_int_equal(sm_route_open("/no/such/place", &route), SM_ENOENT);
	assert_int_equal(sm_route_open(fixture->dir, &route), SM_ENOENT);
	view_help_start(fixture, 10);
	view_writer_begin(fixture->writer);
	view_help_shard(fixture->writer, "svc", "s1", "", 5);
	view_help_shard(fixture->writer, "svc", "s2", "", 6);
	view_help_container(fixture->writer, "svc", "h:1", 7);
	view_help_claim(fixture->writer, "svc", "s1", "h:1", 8);
	view_writer_publish(fixture->writer, 8);
	assert_int_equal(sm_route_open(fixture->dir, &route), 0);
	assert_int_equal(sm_route_lookup(route, "svc", "s2", 0, address, sizeof address, &token), SM_ENOENT);
	assert_int_equal(sm_route_lookup(route, "svc", "s3", 0, address, sizeof address, &token), SM_ENOENT);
	assert_int_equal(sm_route_lookup(route, "other", "s1", 0, address, sizeof address, &token), SM_ENOENT);
	assert_int_equal(sm_route_lookup(route, "svc", "s1", 1, address, sizeof address, &token), SM_ENOENT);
	assert_int_equal(sm_route_lookup(route, "svc", "s1", 0, address, 3, &token), SM_EINVAL);
	assert_string_equal(address, "untouched");
	assert_int_equal(token, 77);
	assert_int_equal(sm_route_lookup(route, "svc", "s1", 0, address, sizeof address, &token), 0);
	assert_string_equal(address, "h:1");
	assert_true(token > 0 && token != 77);
	assert_int_equal(sm_route_age_ms(route), -1);
	view_writer_synced(fixture->writer, 1);
	assert_true(sm_route_age_ms(route) > 0);
	sm_route_close(route);
	sm_route_close(NULL);
	view_help_close(fixture);
}

static void child_is_told_so(void **state)
{
	struct view_fixture *fixture = *state;
	struct sm_route *route;
	char address[256];
	uint64_t token;
	int status;

	view_help_start(fixture, 10);
	view_writer_begin(fixture->writer);
	view_help_shard(fixture->writer, "svc", "s1", "", 5);
	view_writer_publish(fixture->writer, 5);
	assert_int_equal(sm_route_open(fixture->dir, &route), 0);
	pid_t child = fork();
	if (child == 0) {
		int error = sm_route_lookup(route, "svc", "s1", 0, address, sizeof address, &token);
		sm_route_close(route);
		_exit(error == SM_EFORKED ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	sm_route_close(route);
	view_help_close(fixture);
}

struct looking {
	struct sm_route *route;
	_Atomic bool stop;
	_Atomic unsigned wrong, looked;
};

static void *look(void *arg)
{
	struct looking *looking = arg;
	char address[256];
	uint64_t token;

	while (!looking->stop) {
		int error = sm_route_lookup(looking->route, "svc", "s1", 0, address, sizeof address, &token);
		looking->wrong += error != 0 || strcmp(address, "h:1") != 0;
		looking->looked++;
	}
	return NULL;
}

static void threads_look_while_the_view_grows(void **state)
{
	struct view_fixture *fixture = *state;
	struct looking looking = { 0 };
	pthread_t threads[3];
	char shard[32];

	view_help_start(fixture, 10);
	view_writer_begin(fixture->writer);
	view_help_shard(fixture->writer, "svc", "s1", "", 5);
	view_help_container(fixture->writer, "svc", "h:1", 6);
	view_help_claim(fixture->writer, "svc", "s1", "h:1", 7);
	view_writer_publish(fixture->writer, 7);
	assert_int_equal(sm_route_open(fixture->dir, &looking.route), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &looking), 0);
	for (int n = 0; n < 20000; n++) {
		snprintf(shard, sizeof shard, "more-%d", n);
		view_writer_begin(fixture->writer);
		view_help_shard(fixture->writer, "svc", shard, "", 8 + n);
		view_writer_publish(fixture->writer, 8 + (uint64_t)n);
	}
	struct view_usage usage;
	view_usage_get(view_writer_view(fixture->writer), &usage);
	while (looking.looked < 1000)
		sched_yield();
	looking.stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(usage.segment_number > 3);
	assert_int_equal(looking.wrong, 0);
	print_message("%u lookups over %lu segments\n", looking.looked, (unsigned long)usage.segment_number);
	sm_route_close(looking.route);
	view_help_close(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_owners, view_help_setup, view_help_teardown),
		cmocka_unit_test_setup_teardown(child_is_told_so, view_help_setup, view_help_teardown),
		cmocka_unit_test_setup_teardown(threads_look_while_the_view_grows, view_help_setup, view_help_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
