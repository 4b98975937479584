/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * libshardmgr through its public face, on a real etcd, without any smd.
 */
#include "container_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, NULL, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static struct sm_container *opened(void)
{
	struct sm_container *container = rig_open(&rig, "127.0.0.1:0", NULL, NULL);

	assert_int_equal(sm_container_wait(container, 20000), 0);
	return container;
}

static bool absent(const char *shard)
{
	char key[256];

	snprintf(key, sizeof key, RIG_CLAIM "%s", shard);
	return rig_mod_revision(&rig, key) == 0;
}

static void options_say_what_is_wrong(void **state)
{
	struct sm_options *options = sm_options_new();
	struct sm_container *container = NULL;

	(void)state;
	assert_int_equal(sm_options_set(options, "endpoint", "x"), SM_EINVAL);
	assert_non_null(strstr(sm_options_error(options), "\"endpoints\""));
	assert_int_equal(sm_options_set(options, "ttl", "1"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "ttl", "5s"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "id", "nohost"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "id", "host:70000"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "service", "a/b"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "prefix", "sm/"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "labels", "zone"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, "endpoints", "a:1,,b:2"), SM_EINVAL);
	assert_int_equal(sm_options_set(options, NULL, NULL), SM_EINVAL);
	assert_int_equal(sm_container_open(options, &container), SM_EINVAL);
	assert_non_null(strstr(sm_options_error(options), "service"));
	assert_int_equal(sm_options_set(options, "service", "svc"), 0);
	assert_int_equal(sm_options_set(options, "labels", "zone=a,rack=7"), 0);
	assert_int_equal(sm_options_set(options, "id", "no.such.host.invalid:0"), 0);
	assert_int_equal(sm_container_open(options, &container), SM_EINVAL);
	assert_non_null(strstr(sm_options_error(options), "no.such.host.invalid"));
	assert_null(container);
	sm_options_free(options);
	sm_options_free(NULL);
	assert_string_equal(sm_error_text(0), "ok");
	assert_string_equal(sm_error_text(12), "unknown error");
}

static void port_taken_is_said(void **state)
{
	struct sm_container *first = opened(), *second = NULL;
	struct sm_options *options = sm_options_new();

	(void)state;
	sm_options_set(options, "service", "svc");
	sm_options_set(options, "id", sm_container_id(first));
	assert_int_equal(sm_container_open(options, &second), SM_ESYSTEM);
	assert_non_null(strstr(sm_options_error(options), sm_container_id(first)));
	sm_options_free(options);
	sm_container_close(first, 5000);
}

static void opens_and_closes(void **state)
{
	struct sm_container *container = opened();
	char id[160], *health;
	struct sm_event *event;

	(void)state;
	snprintf(id, sizeof id, "%s", sm_container_id(container));
	assert_true(rig_incarnation(&rig, id) > 0);
	assert_int_equal(sm_container_state(container), SM_STATE_OPEN);
	assert_int_equal(sm_container_next(container, 0, &event), SM_ETIMEDOUT);
	health = rig_http(id, "/sm/admin/health", NULL, NULL);
	assert_non_null(strstr(health, "\"state\":\"open\""));
	free(health);
	sm_container_close(container, 5000);
	assert_int_equal(rig_incarnation(&rig, id), 0);
	sm_container_close(NULL, 0);
}

static void adds_and_drops(void **state)
{
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened());
	assert_int_equal(sm_shard_held(app.container, "s1", 0), 0);
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	assert_true(token > 1ull << 48);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), token);
	assert_int_equal(sm_shard_held(app.container, "s1", 1), 0);
	char *record = rig_get(&rig, RIG_CLAIM "s1"), expected[512];
	snprintf(expected, sizeof expected,
	        "{\"container\":\"%s\",\"incarnation\":%lld,\"beliefMs\":4850,\"ready\":true,\"token\":%llu}",
	        sm_container_id(app.container), rig_incarnation(&rig, sm_container_id(app.container)),
	        token & ((1ull << 48) - 1));
	assert_string_equal(record, expected);
	free(record);
	/* Again: nothing happens, and it is answered. */
	assert_int_equal(rig_order(app.container, "add", "s1", NULL), 0);
	assert_int_equal(rig_app_adds(&app), 1);
	assert_int_equal(rig_order(app.container, "drop", "s1", NULL), 0);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), 0);
	assert_true(absent("s1"));
	assert_int_equal(rig_order(app.container, "drop", "s1", NULL), 0);
	assert_int_equal(rig_order(app.container, "drop", "never", NULL), 0);
	unsigned long long again;
	assert_int_equal(rig_order(app.container, "add", "s1", &again), 0);
	assert_true(again > token);
	rig_app_stop(&app);
	assert_true(absent("s1"));
}

static void failed_add_gives_the_claim_back(void **state)
{
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened());
	assert_int_equal(rig_order(app.container, "add", "bad", &token), -100);
	assert_int_equal(token, 0);
	assert_int_equal(sm_shard_held(app.container, "bad", 0), 0);
	rig_wait(absent("bad"));
	char text[256];
	sm_container_error(app.container, text, sizeof text);
	assert_non_null(strstr(text, "this one cannot be served"));
	assert_int_equal(rig_app_drops(&app), 0);
	rig_app_stop(&app);
}

static void slow_add_delays_nobody(void **state)
{
	struct rig_app app;
	struct rig_order slow;

	(void)state;
	rig_app_start(&app, opened());
	rig_order_start(&slow, app.container, "add", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	assert_int_equal(rig_order(app.container, "add", "quick", NULL), 0);
	assert_int_equal(rig_order(app.container, "drop", "quick", NULL), 0);
	/* Held already, not ready yet. */
	assert_true(sm_shard_held(app.container, "manual", 0) != 0);
	char *record = rig_get(&rig, RIG_CLAIM "manual");
	assert_non_null(strstr(record, "\"ready\":false"));
	free(record);
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(rig_order_join(&slow), 0);
	struct rig_order drop;
	rig_order_start(&drop, app.container, "drop", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_DROP);
	assert_false(absent("manual"));
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(sm_shard_held(app.container, "manual", 0), 0);
	assert_int_equal(rig_order_join(&drop), 0);
	assert_true(absent("manual"));
	rig_app_stop(&app);
}

static void newest_order_wins(void **state)
{
	struct rig_app app;
	struct rig_order first, second, third;

	(void)state;
	rig_app_start(&app, opened());
	rig_order_start(&first, app.container, "add", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	rig_order_start(&second, app.container, "drop", "manual");
	assert_int_equal(rig_order_join(&first), SM_ECONFLICT);
	rig_app_ack(&app, "manual", NULL);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_DROP);
	rig_order_start(&third, app.container, "add", "manual");
	assert_int_equal(rig_order_join(&second), SM_ECONFLICT);
	rig_app_ack(&app, "manual", NULL);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(rig_order_join(&third), 0);
	sm_container_stop(app.container);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_DROP);
	assert_int_equal(sm_container_state(app.container), SM_STATE_STOPPING);
	assert_int_equal(sm_container_wait(app.container, 0), SM_ECLOSED);
	rig_app_ack(&app, "manual", "too late, but done");
	rig_app_stop(&app);
	assert_true(absent("manual"));
}

static void claims_of_others_are_left_alone(void **state)
{
	struct rig_app app;
	char record[512];
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened());
	const char *id = sm_container_id(app.container);
	long long incarnation = rig_incarnation(&rig, id);
	rig_put(&rig, RIG_CLAIM "theirs",
	        "{\"container\":\"h:1\",\"incarnation\":3,\"beliefMs\":4850,\"ready\":true,\"token\":3}");
	assert_int_equal(rig_order(app.container, "add", "theirs", NULL), SM_ECONFLICT);
	assert_int_equal(rig_order(app.container, "drop", "theirs", NULL), 0);
	assert_false(absent("theirs"));
	/* An earlier process with this id may still believe in its claim. */
	snprintf(record, sizeof record, "{\"container\":\"%s\",\"incarnation\":%lld,\"beliefMs\":4850,\"ready\":false}",
	        id, incarnation - 1);
	rig_put(&rig, RIG_CLAIM "earlier", record);
	assert_int_equal(rig_order(app.container, "add", "earlier", NULL), SM_ECONFLICT);
	assert_int_equal(rig_order(app.container, "drop", "earlier", NULL), SM_ECONFLICT);
	assert_false(absent("earlier"));
	/* One of this very session came late: a drop releases it, an add serves it with its token. */
	snprintf(record, sizeof record, "{\"container\":\"%s\",\"incarnation\":%lld,\"beliefMs\":4850,\"ready\":false}",
	        id, incarnation);
	rig_put(&rig, RIG_CLAIM "late", record);
	assert_int_equal(rig_order(app.container, "drop", "late", NULL), 0);
	assert_true(absent("late"));
	rig_put(&rig, RIG_CLAIM "late", record);
	long long written = rig_mod_revision(&rig, RIG_CLAIM "late");
	assert_int_equal(rig_order(app.container, "add", "late", &token), 0);
	assert_int_equal(token, (1ull << 48) + (unsigned long long)written);
	assert_int_equal(sm_shard_held(app.container, "late", 0), token);
	rig_app_stop(&app);
	assert_true(absent("late"));
	rig_delete(&rig, RIG_CLAIM "theirs");
	rig_delete(&rig, RIG_CLAIM "earlier");
}

/* Neither the shard nor the container waits for it to make sense. */
static void record_without_sense_is_left_alone(void **state)
{
	struct rig_app app;

	(void)state;
	rig_app_start(&app, opened());
	rig_put(&rig, RIG_CLAIM "garbled", "{\"container\":7}");
	assert_int_equal(rig_order(app.container, "add", "garbled", NULL), SM_ECONFLICT);
	assert_int_equal(rig_order(app.container, "drop", "garbled", NULL), 0);
	assert_int_equal(rig_order(app.container, "add", "mine", NULL), 0);
	rig_put(&rig, RIG_CLAIM "mine", "not even JSON");
	assert_int_equal(rig_order(app.container, "drop", "mine", NULL), 0);
	assert_int_equal(sm_shard_held(app.container, "mine", 0), 0);
	rig_app_stop(&app);
	assert_false(absent("garbled"));
	assert_false(absent("mine"));
	rig_delete(&rig, RIG_CLAIM "garbled");
	rig_delete(&rig, RIG_CLAIM "mine");
}

static void thousand_shards_in_few_transactions(void **state)
{
	struct rig_app app;

	(void)state;
	rig_app_start(&app, opened());
	long long before = rig_revision(&rig);
	assert_int_equal(rig_orders(app.container, "add", "s", 1000), 1000);
	long long added = rig_revision(&rig);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 1000);
	assert_int_equal(rig_orders(app.container, "drop", "s", 500), 500);
	long long dropped = rig_revision(&rig);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 500);
	/* Every transaction is one revision. */
	print_message("1000 adds: %lld transactions; 500 drops: %lld\n", added - before, dropped - added);
	assert_in_range(added - before, 8, 8 + 500);
	/* Closing: all at once, 4 of up to 127 each, and the revocation. */
	sm_container_stop(app.container);
	rig_app_join(&app);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 0);
	sm_container_close(app.container, 5000);
}

static void close_releases_everything(void **state)
{
	struct rig_app app;
	char id[160];

	(void)state;
	struct sm_container *container = opened();
	snprintf(id, sizeof id, "%s", sm_container_id(container));
	rig_app_start(&app, container);
	assert_int_equal(rig_orders(container, "add", "s", 200), 200);
	rig_app_leave(&app);
	long long before = rig_revision(&rig);
	sm_container_close(container, 5000);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 0);
	assert_int_equal(rig_incarnation(&rig, id), 0);
	assert_int_equal(rig_revision(&rig) - before, 3); /* 127 shards, 73 shards, the session */
}

static void fd_polls_readable_when_there_is_something(void **state)
{
	struct sm_container *container = opened();
	struct pollfd pollfd = { .fd = sm_container_fd(container), .events = POLLIN };
	struct rig_order order;
	struct sm_event *event;

	(void)state;
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	rig_order_start(&order, container, "add", "s1");
	assert_int_equal(poll(&pollfd, 1, 20000), 1);
	assert_int_equal(sm_container_next(container, 0, &event), 0);
	assert_int_equal(sm_event_type(event), SM_EVENT_ADD);
	assert_string_equal(sm_event_shard(event), "s1");
	assert_string_equal(sm_event_task(event), "the task");
	assert_int_equal(sm_event_replica(event), 0);
	assert_int_equal(sm_event_token(event), sm_shard_held(container, "s1", 0));
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	assert_int_equal(sm_container_ack(container, sm_event_sequence(event) + 1, NULL), SM_ENOENT);
	assert_int_equal(sm_container_ack(container, sm_event_sequence(event), NULL), 0);
	sm_event_free(event);
	assert_int_equal(rig_order_join(&order), 0);
	sm_container_stop(container);
	assert_int_equal(poll(&pollfd, 1, 20000), 1);
	assert_int_equal(sm_container_next(container, 0, &event), 0);
	assert_int_equal(sm_event_type(event), SM_EVENT_DROP);
	sm_container_ack(container, sm_event_sequence(event), NULL);
	sm_event_free(event);
	assert_int_equal(poll(&pollfd, 1, 20000), 1);
	assert_int_equal(sm_container_next(container, -1, &event), SM_ECLOSED);
	sm_container_close(container, 5000);
}

static int in_child(struct sm_container *container)
{
	struct sm_event *event;
	int wrong = 0;

	wrong += sm_shard_held(container, "s1", 0) != 0;
	wrong += sm_container_next(container, -1, &event) != SM_EFORKED;
	wrong += sm_container_ack(container, 1, NULL) != SM_EFORKED;
	wrong += sm_container_wait(container, -1) != SM_EFORKED;
	wrong += sm_container_fd(container) != SM_EFORKED;
	sm_container_stop(container);
	sm_container_close(container, 60000);
	return wrong;
}

static void forked_child_owns_nothing(void **state)
{
	struct rig_app app;
	int ends[2];

	(void)state;
	rig_app_start(&app, opened());
	assert_int_equal(rig_order(app.container, "add", "s1", NULL), 0);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		unsigned char wrong = (unsigned char)in_child(app.container);
		(void)!write(ends[1], &wrong, 1);
		/* Not by exit, where a leak checker would find what belongs to the thread that is not here. */
		kill(getpid(), SIGKILL);
	}
	unsigned char wrong = 255;
	assert_int_equal(read(ends[0], &wrong, 1), 1);
	assert_int_equal(wrong, 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(ends[1]);
	assert_true(sm_shard_held(app.container, "s1", 0) != 0);
	assert_int_equal(rig_order(app.container, "drop", "s1", NULL), 0);
	rig_app_stop(&app);
}

static void id_is_held_by_one(void **state)
{
	struct sm_container *first = opened();
	struct sm_container *second = rig_open(&rig, sm_container_id(first), "127.0.0.1:0", "5");
	struct sm_container *third = rig_open(&rig, sm_container_id(first), "127.0.0.1:0", "2");
	char text[256] = "";
	struct sm_event *event;

	(void)state;
	while (!strstr(text, "held by another process")) {
		sm_container_error(second, text, sizeof text);
		rig_pause(0, "", "", 0);
	}
	assert_int_equal(sm_container_wait(second, 0), SM_ETIMEDOUT);
	/* Two TTL of 2 s each are over for the third before they are for the second. */
	assert_int_equal(sm_container_wait(third, 20000), SM_EEXIST);
	assert_int_equal(sm_container_state(third), SM_STATE_FAILED);
	assert_int_equal(sm_container_next(third, -1, &event), SM_EEXIST);
	sm_container_close(third, 5000);
	sm_container_close(first, 5000);
	assert_int_equal(sm_container_wait(second, 20000), 0);
	sm_container_close(second, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_say_what_is_wrong),
		cmocka_unit_test(port_taken_is_said),
		cmocka_unit_test(opens_and_closes),
		cmocka_unit_test(adds_and_drops),
		cmocka_unit_test(failed_add_gives_the_claim_back),
		cmocka_unit_test(slow_add_delays_nobody),
		cmocka_unit_test(newest_order_wins),
		cmocka_unit_test(claims_of_others_are_left_alone),
		cmocka_unit_test(record_without_sense_is_left_alone),
		cmocka_unit_test(thousand_shards_in_few_transactions),
		cmocka_unit_test(close_releases_everything),
		cmocka_unit_test(fd_polls_readable_when_there_is_something),
		cmocka_unit_test(forked_child_owns_nothing),
		cmocka_unit_test(id_is_held_by_one),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
