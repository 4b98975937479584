/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a container does when its session, or etcd, does not do as it should. The etcd here grants leases of 8 s at least, so that a
 * container with a TTL of 2 s is suspended long before its lease can end.
 */
#include "container_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const long_leases[] = { "--heartbeat-interval=500", "--election-timeout=5000", NULL };

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, long_leases, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static struct sm_container *opened(const char *ttl)
{
	struct sm_container *container = rig_open(&rig, "127.0.0.1:0", NULL, ttl);

	assert_int_equal(sm_container_wait(container, 20000), 0);
	return container;
}

static bool absent(const char *shard)
{
	char key[256];

	snprintf(key, sizeof key, RIG_CLAIM "%s", shard);
	return rig_mod_revision(&rig, key) == 0;
}

static void waits_for_the_store(void **state)
{
	char text[256] = "";

	(void)state;
	rig_delete(&rig, RIG_STORE);
	struct sm_container *container = rig_open(&rig, "127.0.0.1:0", NULL, NULL);
	while (!strstr(text, "waiting for /sm/store")) {
		sm_container_error(container, text, sizeof text);
		rig_pause(0, "", "", 0);
	}
	assert_int_equal(sm_container_state(container), SM_STATE_OPENING);
	assert_int_equal(rig_order(container, "add", "s1", NULL), -1000); /* 503 */
	rig_put(&rig, RIG_STORE, "{\"incarnation\":1}");
	assert_int_equal(sm_container_wait(container, 20000), 0);
	sm_container_error(container, text, sizeof text);
	assert_string_equal(text, "");
	sm_container_close(container, 5000);
}

static void revoked_session_is_lost_and_replaced(void **state)
{
	struct rig_app app;
	struct rig_order slow;
	unsigned long long token, again;

	(void)state;
	rig_app_start(&app, opened("5"));
	const char *id = sm_container_id(app.container);
	long long incarnation = rig_incarnation(&rig, id);
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	rig_order_start(&slow, app.container, "add", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	rig_revoke(&rig, id);
	rig_wait(rig_app_losses(&app) == 1);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), 0);
	assert_int_equal(sm_shard_held(app.container, "manual", 0), 0);
	assert_non_null(strstr(app.last_lost_reason, "session key was deleted"));
	assert_int_equal(rig_order_join(&slow), SM_EUNAVAILABLE);
	/* What was acknowledged is given back; the rest keeps the next session waiting. */
	rig_wait(absent("s1"));
	assert_false(absent("manual"));
	assert_int_equal(sm_container_state(app.container), SM_STATE_OPENING);
	rig_app_ack(&app, "manual", NULL);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_LOST);
	assert_int_equal(sm_shard_held(app.container, "manual", 0), 0);
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(sm_container_wait(app.container, 20000), 0);
	assert_true(absent("manual"));
	assert_true(rig_incarnation(&rig, id) > incarnation);
	assert_int_equal(rig_order(app.container, "add", "s1", &again), 0);
	assert_true(again > token);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), again);
	rig_app_stop(&app);
}

static void silent_etcd_suspends_and_the_same_session_resumes(void **state)
{
	struct rig_app app;
	unsigned long long token, late_token;
	struct rig_order late;

	(void)state;
	rig_app_start(&app, opened("2"));
	long long incarnation = rig_incarnation(&rig, sm_container_id(app.container));
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	etcd_server_freeze(rig.etcd, 0);
	rig_order_start(&late, app.container, "add", "s2");
	rig_wait(sm_shard_held(app.container, "s1", 0) == 0);
	rig_wait(sm_container_state(app.container) == SM_STATE_SUSPENDED);
	assert_int_equal(rig_order(app.container, "drop", "s1", NULL), -1000); /* 503 */
	etcd_server_thaw(rig.etcd, 0);
	rig_wait(sm_container_state(app.container) == SM_STATE_OPEN);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), token);
	assert_int_equal(rig_incarnation(&rig, sm_container_id(app.container)), incarnation);
	assert_int_equal(rig_app_losses(&app), 0);
	/* The add whose outcome was unknown meanwhile: whatever came of it, it is settled, and can be asked for again. */
	rig_order_join(&late);
	assert_int_equal(rig_order(app.container, "add", "s2", &late_token), 0);
	assert_int_equal(sm_shard_held(app.container, "s2", 0), late_token);
	rig_app_stop(&app);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 0);
}

static void unknown_outcomes_are_settled(void **state)
{
	struct rig_app app;
	struct rig_order add, drop;

	(void)state;
	/* Transactions count as unknown after 3 s here, and the session is believed for 5.8. */
	rig_app_start(&app, opened("6"));
	assert_int_equal(rig_order(app.container, "add", "s1", NULL), 0);
	etcd_server_freeze(rig.etcd, 0);
	rig_order_start(&add, app.container, "add", "s2");
	rig_order_start(&drop, app.container, "drop", "s1");
	rig_wait(rig_app_drops(&app) == 1);
	for (int i = 0; i < 700; i++)
		rig_pause(0, "", "", 0); /* until the transactions are given up and repeated */
	etcd_server_thaw(rig.etcd, 0);
	assert_int_equal(rig_order_join(&drop), 0);
	assert_int_equal(rig_order_join(&add), 0);
	assert_true(absent("s1"));
	assert_int_equal(sm_shard_held(app.container, "s2", 0), add.token);
	assert_int_equal(rig_app_adds(&app), 2);
	rig_app_stop(&app);
	assert_int_equal(rig_count(&rig, RIG_CLAIM), 0);
}

static void session_that_ended_while_etcd_was_silent_is_lost(void **state)
{
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened("2"));
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	etcd_server_freeze(rig.etcd, 0);
	/* Longer than etcd's leases: what it does first when it comes back is to end them. */
	for (int i = 0; i < 1900; i++)
		rig_pause(0, "", "", 0);
	assert_int_equal(sm_container_state(app.container), SM_STATE_SUSPENDED);
	etcd_server_thaw(rig.etcd, 0);
	rig_wait(rig_app_losses(&app) == 1);
	assert_int_equal(sm_container_wait(app.container, 20000), 0);
	assert_int_equal(sm_shard_held(app.container, "s1", 0), 0);
	assert_true(absent("s1"));
	rig_app_stop(&app);
}

static void etcd_restart_is_survived(void **state)
{
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened("5"));
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	etcd_server_kill(rig.etcd, 0);
	assert_int_equal(etcd_server_restart(rig.etcd, 0), 0);
	rig_wait(sm_shard_held(app.container, "s1", 0) == token);
	assert_int_equal(rig_order(app.container, "add", "s2", NULL), 0);
	assert_int_equal(rig_app_losses(&app), 0);
	rig_app_stop(&app);
}

static void raised_store_incarnation_ends_the_session(void **state)
{
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_app_start(&app, opened("5"));
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	rig_put(&rig, RIG_STORE, "{\"incarnation\":2}");
	assert_int_equal(rig_order(app.container, "add", "s2", NULL), SM_EUNAVAILABLE);
	rig_wait(rig_app_losses(&app) == 1);
	assert_non_null(strstr(app.last_lost_reason, "P/store"));
	assert_int_equal(sm_container_wait(app.container, 20000), 0);
	assert_int_equal(rig_order(app.container, "add", "s1", &token), 0);
	assert_int_equal(token >> 48, 2);
	rig_app_stop(&app);
	rig_put(&rig, RIG_STORE, "{\"incarnation\":1}");
}

static void claim_that_vanished_is_lost_when_it_is_made_ready(void **state)
{
	struct rig_app app;
	struct rig_order slow;

	(void)state;
	rig_app_start(&app, opened("5"));
	rig_order_start(&slow, app.container, "add", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	rig_delete(&rig, RIG_CLAIM "manual");
	rig_app_ack(&app, "manual", NULL);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_LOST);
	assert_int_equal(sm_shard_held(app.container, "manual", 0), 0);
	assert_int_equal(rig_order_join(&slow), SM_EUNAVAILABLE);
	rig_app_ack(&app, "manual", NULL);
	rig_app_stop(&app);
}

static void close_without_etcd_ends_in_time(void **state)
{
	struct rig_app app;

	(void)state;
	rig_app_start(&app, opened("5"));
	assert_int_equal(rig_order(app.container, "add", "s1", NULL), 0);
	rig_app_leave(&app);
	etcd_server_freeze(rig.etcd, 0);
	sm_container_close(app.container, 300);
	etcd_server_thaw(rig.etcd, 0);
	struct sm_container *other = opened("5");
	etcd_server_freeze(rig.etcd, 0);
	sm_container_close(other, 0);
	etcd_server_thaw(rig.etcd, 0);
}

/* Of three members one after the other is stopped, the one that leads among them: orders are carried out and nothing is lost. */
static void members_of_etcd_that_stop_are_gone_round(void **state)
{
	struct rig three;
	struct rig_app app;
	unsigned long long token;

	(void)state;
	rig_start_members(&three, 3);
	struct sm_container *container = rig_open(&three, "127.0.0.1:0", NULL, "15");
	assert_int_equal(sm_container_wait(container, 20000), 0);
	rig_app_start(&app, container);
	assert_int_equal(rig_order(container, "add", "s1", &token), 0);
	for (size_t member = 0; member < 3; member++) {
		etcd_server_freeze(three.etcd, member);
		rig_wait(rig_order(container, "add", "s2", NULL) == 0);
		rig_wait(rig_order(container, "drop", "s2", NULL) == 0);
		assert_int_equal(sm_shard_held(container, "s1", 0), token);
		etcd_server_thaw(three.etcd, member);
	}
	assert_int_equal(rig_app_losses(&app), 0);
	rig_app_stop(&app);
	rig_stop(&three);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_the_store),
		cmocka_unit_test(revoked_session_is_lost_and_replaced),
		cmocka_unit_test(silent_etcd_suspends_and_the_same_session_resumes),
		cmocka_unit_test(unknown_outcomes_are_settled),
		cmocka_unit_test(session_that_ended_while_etcd_was_silent_is_lost),
		cmocka_unit_test(etcd_restart_is_survived),
		cmocka_unit_test(raised_store_incarnation_ends_the_session),
		cmocka_unit_test(claim_that_vanished_is_lost_when_it_is_made_ready),
		cmocka_unit_test(close_without_etcd_ends_in_time),
		cmocka_unit_test(members_of_etcd_that_stop_are_gone_round),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
