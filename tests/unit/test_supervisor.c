/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * supervisor_table.h: every state with every event, the order between the children, backoff, and random worlds.
 */
#include "supervisor/supervisor_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETCD SUPERVISOR_ETCD
#define SYNC SUPERVISOR_SYNC
#define BALANCER SUPERVISOR_BALANCER
#define HTTP SUPERVISOR_HTTP

struct world {
	struct supervisor_table table;
	struct supervisor_actions actions; /* of the last call */
	uint64_t now_ms;
};

static struct world world_of(bool with_etcd)
{
	struct world w = { .now_ms = 1000 };

	supervisor_table_init(&w.table, with_etcd);
	return w;
}

static void start(struct world *w)
{
	w->actions.count = 0;
	supervisor_table_start(&w->table, w->now_ms, &w->actions);
}

static void reload(struct world *w)
{
	w->actions.count = 0;
	supervisor_table_reload(&w->table, w->now_ms, &w->actions);
}

static void stop(struct world *w)
{
	w->actions.count = 0;
	supervisor_table_stop(&w->table, w->now_ms, &w->actions);
}

static void say(struct world *w, enum supervisor_child child, enum supervisor_event event)
{
	w->actions.count = 0;
	supervisor_table_child(&w->table, child, event, w->now_ms, &w->actions);
}

static void print_actions(const struct world *w, char *ret_text)
{
	static const char *const kinds[] = { "spawn", "term", "kill", "timer" };
	static const char *const children[] = { "etcd", "sync", "balancer", "http" };

	ret_text[0] = '\0';
	for (size_t i = 0; i < w->actions.count; i++) {
		const struct supervisor_action *a = &w->actions.list[i];
		char *end = ret_text + strlen(ret_text);

		end += sprintf(end, "%s%s %s", i > 0 ? ", " : "", kinds[a->kind], children[a->child]);
		if (a->kind == SUPERVISOR_SET_TIMER)
			sprintf(end, " %d", (int)a->delay_ms);
	}
}

static void expect_at(const struct world *w, const char *expected, int line)
{
	char text[1024];

	print_actions(w, text);
	if (strcmp(text, expected) != 0)
		fail_msg("line %d: \"%s\" instead of \"%s\"", line, text, expected);
}
#define EXPECT(w, expected) expect_at(w, expected, __LINE__)

static struct world world_up(void)
{
	struct world w = world_of(false);

	start(&w);
	say(&w, SYNC, SUPERVISOR_READY);
	say(&w, BALANCER, SUPERVISOR_READY);
	say(&w, HTTP, SUPERVISOR_READY);
	assert_true(supervisor_table_is_up(&w.table));
	return w;
}

static void test_start_goes_up_in_stages(void **state)
{
	struct world w = world_of(true);

	(void)state;
	start(&w);
	EXPECT(&w, "spawn etcd");
	say(&w, ETCD, SUPERVISOR_READY);
	EXPECT(&w, "spawn sync");
	say(&w, SYNC, SUPERVISOR_READY);
	EXPECT(&w, "spawn balancer, spawn http");
	say(&w, HTTP, SUPERVISOR_READY);
	EXPECT(&w, "");
	assert_false(supervisor_table_is_up(&w.table));
	say(&w, BALANCER, SUPERVISOR_READY);
	assert_true(supervisor_table_is_up(&w.table));
	assert_false(supervisor_table_is_down(&w.table));
}

static void test_without_etcd_sync_is_first(void **state)
{
	struct world w = world_of(false);

	(void)state;
	start(&w);
	EXPECT(&w, "spawn sync");
}

static void test_stop_goes_down_in_stages(void **state)
{
	struct world w = world_up();

	(void)state;
	stop(&w);
	EXPECT(&w, "term balancer, timer balancer 5000, term http, timer http 5000");
	say(&w, HTTP, SUPERVISOR_ENDED);
	EXPECT(&w, "");
	w.now_ms += 1000;
	say(&w, BALANCER, SUPERVISOR_ENDED);
	EXPECT(&w, "term sync, timer sync 4000");
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "");
	assert_true(supervisor_table_is_down(&w.table));
}

static void test_stubborn_children_are_killed(void **state)
{
	struct world w = world_up();

	(void)state;
	stop(&w);
	say(&w, BALANCER, SUPERVISOR_ENDED);
	w.now_ms += SUPERVISOR_GRACE_MS;
	say(&w, HTTP, SUPERVISOR_TIMER);
	EXPECT(&w, "kill http");
	say(&w, HTTP, SUPERVISOR_ENDED);
	EXPECT(&w, "term sync, timer sync 1000");
	stop(&w);
	EXPECT(&w, "kill sync");
}

static void test_a_death_during_stop_is_not_mended(void **state)
{
	struct world w = world_up();

	(void)state;
	stop(&w);
	say(&w, SYNC, SUPERVISOR_ENDED);
	say(&w, SYNC, SUPERVISOR_TIMER);
	EXPECT(&w, "");
	stop(&w);
	EXPECT(&w, "kill balancer, kill http");
	say(&w, HTTP, SUPERVISOR_ENDED);
	say(&w, BALANCER, SUPERVISOR_ENDED);
	EXPECT(&w, "");
	assert_true(supervisor_table_is_down(&w.table));
}

static void test_stop_while_waiting_or_starting(void **state)
{
	struct world w = world_of(false);

	(void)state;
	start(&w);
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "timer sync 0");
	stop(&w);
	EXPECT(&w, "");
	assert_true(supervisor_table_is_down(&w.table));
	say(&w, SYNC, SUPERVISOR_TIMER);
	EXPECT(&w, "");

	w = world_of(false);
	start(&w);
	stop(&w);
	EXPECT(&w, "term sync, timer sync 5000");
	say(&w, SYNC, SUPERVISOR_READY);
	EXPECT(&w, "");
	say(&w, SYNC, SUPERVISOR_ENDED);
	assert_true(supervisor_table_is_down(&w.table));
}

static void test_a_death_takes_nobody_along(void **state)
{
	struct world w = world_up();

	(void)state;
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "timer sync 0");
	assert_false(supervisor_table_is_up(&w.table));
	say(&w, SYNC, SUPERVISOR_TIMER);
	EXPECT(&w, "spawn sync");
	say(&w, SYNC, SUPERVISOR_READY);
	EXPECT(&w, "");
	assert_true(supervisor_table_is_up(&w.table));
}

static void test_backoff(void **state)
{
	static const uint64_t delays[] = { 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
	struct world w = world_up();

	(void)state;
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		say(&w, HTTP, SUPERVISOR_ENDED);
		assert_int_equal(w.actions.count, 1);
		assert_int_equal(w.actions.list[0].delay_ms, delays[i]);
		w.now_ms += delays[i];
		say(&w, HTTP, SUPERVISOR_TIMER);
		EXPECT(&w, "spawn http");
		if (i % 2 == 0)
			say(&w, HTTP, SUPERVISOR_READY);
		w.now_ms += SUPERVISOR_GOOD_MS - 1; /* up, but not for long enough; or long, but never up */
	}
	say(&w, HTTP, SUPERVISOR_READY);
	w.now_ms += SUPERVISOR_GOOD_MS;
	say(&w, HTTP, SUPERVISOR_ENDED);
	EXPECT(&w, "timer http 0");
	say(&w, HTTP, SUPERVISOR_TIMER);
	say(&w, HTTP, SUPERVISOR_ENDED); /* the spawn failed */
	EXPECT(&w, "timer http 1000");
}

static void test_reload_restarts_in_order(void **state)
{
	struct world w = world_up();

	(void)state;
	reload(&w);
	EXPECT(&w, "term sync, timer sync 5000");
	assert_false(supervisor_table_is_up(&w.table));
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "spawn sync");
	say(&w, SYNC, SUPERVISOR_TIMER); /* the grace of the one before */
	EXPECT(&w, "");
	say(&w, SYNC, SUPERVISOR_READY);
	EXPECT(&w, "term balancer, timer balancer 5000, term http, timer http 5000");
	say(&w, BALANCER, SUPERVISOR_ENDED);
	EXPECT(&w, "spawn balancer");
	w.now_ms += SUPERVISOR_GRACE_MS;
	say(&w, HTTP, SUPERVISOR_TIMER);
	EXPECT(&w, "kill http");
	say(&w, HTTP, SUPERVISOR_ENDED);
	EXPECT(&w, "spawn http");
	say(&w, HTTP, SUPERVISOR_READY);
	say(&w, BALANCER, SUPERVISOR_READY);
	assert_true(supervisor_table_is_up(&w.table));
}

static void test_reload_leaves_etcd(void **state)
{
	struct world w = world_of(true);

	(void)state;
	start(&w);
	reload(&w);
	EXPECT(&w, "");
	say(&w, ETCD, SUPERVISOR_READY);
	EXPECT(&w, "spawn sync");
	say(&w, ETCD, SUPERVISOR_ENDED);
	EXPECT(&w, "timer etcd 0");
	reload(&w); /* sync's turn comes when etcd is back */
	EXPECT(&w, "");
	say(&w, ETCD, SUPERVISOR_TIMER);
	say(&w, ETCD, SUPERVISOR_READY);
	EXPECT(&w, "term sync, timer sync 5000");
}

static void test_reload_while_waiting_starts_at_once(void **state)
{
	struct world w = world_of(false);

	(void)state;
	start(&w);
	for (int i = 0; i < 5; i++) {
		say(&w, SYNC, SUPERVISOR_ENDED);
		if (i < 4)
			say(&w, SYNC, SUPERVISOR_TIMER);
	}
	EXPECT(&w, "timer sync 8000");
	reload(&w);
	EXPECT(&w, "spawn sync");
	say(&w, SYNC, SUPERVISOR_TIMER);
	EXPECT(&w, "");
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "timer sync 0");
}

static void test_stop_during_reload(void **state)
{
	struct world w = world_up();

	(void)state;
	reload(&w);
	stop(&w);
	EXPECT(&w, "term balancer, timer balancer 5000, term http, timer http 5000");
	say(&w, SYNC, SUPERVISOR_ENDED);
	EXPECT(&w, "");
	say(&w, HTTP, SUPERVISOR_ENDED);
	reload(&w);
	EXPECT(&w, "");
	say(&w, BALANCER, SUPERVISOR_ENDED);
	EXPECT(&w, "");
	assert_true(supervisor_table_is_down(&w.table));
}

/* A machine on which processes start, become ready and end at random: no more than one process per child, nothing is signalled
 * that does not run, and after the last stop everything comes to its end. */
struct machine {
	struct world w;
	bool runs[SUPERVISOR_CHILDREN], told[SUPERVISOR_CHILDREN], timer[SUPERVISOR_CHILDREN];
};

static void carry_out(struct machine *m, unsigned *seed)
{
	bool failed[SUPERVISOR_CHILDREN] = { false };

	for (size_t i = 0; i < m->w.actions.count; i++) {
		struct supervisor_action a = m->w.actions.list[i];

		switch (a.kind) {
		case SUPERVISOR_SPAWN:
			assert_false(m->runs[a.child]);
			failed[a.child] = rand_r(seed) % 8 == 0;
			m->runs[a.child] = !failed[a.child];
			m->told[a.child] = false;
			break;
		case SUPERVISOR_SET_TIMER:
			m->timer[a.child] = true;
			break;
		default:
			assert_true(m->runs[a.child]);
			m->told[a.child] = true;
		}
	}
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		if (failed[c]) {
			say(&m->w, c, SUPERVISOR_ENDED);
			carry_out(m, seed);
		}
	}
}

static void random_event(struct machine *m, unsigned *seed)
{
	int c = rand_r(seed) % SUPERVISOR_CHILDREN;

	m->w.now_ms += (uint64_t)rand_r(seed) % 30000;
	switch (rand_r(seed) % 3) {
	case 0:
		if (!m->runs[c] || m->told[c])
			return;
		say(&m->w, c, SUPERVISOR_READY);
		break;
	case 1:
		if (!m->runs[c])
			return;
		m->runs[c] = false;
		say(&m->w, c, SUPERVISOR_ENDED);
		break;
	default:
		if (!m->timer[c])
			return;
		m->timer[c] = false;
		say(&m->w, c, SUPERVISOR_TIMER);
	}
	carry_out(m, seed);
}

static void test_random_worlds(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2000; n++) {
		struct machine m = { .w = world_of(n % 2 == 0) };
		unsigned seed = n;

		start(&m.w);
		carry_out(&m, &seed);
		for (int i = 0; i < 100; i++) {
			random_event(&m, &seed);
			if (rand_r(&seed) % 20 == 0) {
				reload(&m.w);
				carry_out(&m, &seed);
			}
		}
		stop(&m.w);
		carry_out(&m, &seed);
		for (int i = 0; i < 2000 && !supervisor_table_is_down(&m.w.table); i++)
			random_event(&m, &seed);
		assert_true(supervisor_table_is_down(&m.w.table));
		for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
			assert_false(m.runs[c]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_goes_up_in_stages),
		cmocka_unit_test(test_without_etcd_sync_is_first),
		cmocka_unit_test(test_stop_goes_down_in_stages),
		cmocka_unit_test(test_stubborn_children_are_killed),
		cmocka_unit_test(test_a_death_during_stop_is_not_mended),
		cmocka_unit_test(test_stop_while_waiting_or_starting),
		cmocka_unit_test(test_a_death_takes_nobody_along),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_reload_restarts_in_order),
		cmocka_unit_test(test_reload_leaves_etcd),
		cmocka_unit_test(test_reload_while_waiting_starts_at_once),
		cmocka_unit_test(test_stop_during_reload),
		cmocka_unit_test(test_random_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
