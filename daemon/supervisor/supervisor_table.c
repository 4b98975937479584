/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The table and its loop.
 */
#include "supervisor_table.h"

enum {
	SPAWN = 1,
	TERM = 2,
	KILL = 4,
	GRACE = 8,    /* set the timer to what is left of the grace */
	BACKOFF = 16, /* count a failure and set the timer to the backoff */
	FORGIVE = 32, /* forget the failures */
	SINCE = 64    /* it is up from now on */
};

struct cell {
	enum supervisor_state next;
	unsigned todo;
};

#define IDLE SUPERVISOR_IDLE
#define WAITING SUPERVISOR_WAITING
#define STARTING SUPERVISOR_STARTING
#define UP SUPERVISOR_UP
#define RECYCLING SUPERVISOR_RECYCLING
#define STOPPING SUPERVISOR_STOPPING

/* WHY: a timer is never taken back, only replaced: where an old one may run out late, TIMER changes nothing */
static const struct cell cells[SUPERVISOR_STATES][SUPERVISOR_EVENTS] = {
	/*               START                 STOP            READY         ENDED         TIMER */
	[IDLE] = { { STARTING, SPAWN }, { IDLE, 0 }, { IDLE, 0 }, { IDLE, 0 }, { IDLE, 0 } },
	[WAITING] = { { STARTING, FORGIVE | SPAWN }, { IDLE, 0 }, { WAITING, 0 }, { WAITING, 0 }, { STARTING, SPAWN } },
	[STARTING] = { { RECYCLING, FORGIVE | TERM | GRACE }, { STOPPING, TERM | GRACE }, { UP, SINCE },
	        { WAITING, BACKOFF }, { STARTING, 0 } },
	[UP] = { { RECYCLING, FORGIVE | TERM | GRACE }, { STOPPING, TERM | GRACE }, { UP, 0 }, { WAITING, BACKOFF },
	        { UP, 0 } },
	[RECYCLING] = { { RECYCLING, 0 }, { STOPPING, 0 }, { RECYCLING, 0 }, { STARTING, SPAWN }, { RECYCLING, KILL } },
	[STOPPING] = { { STOPPING, 0 }, { STOPPING, 0 }, { STOPPING, 0 }, { IDLE, 0 }, { STOPPING, KILL } },
};

static int stage_of(enum supervisor_child child)
{
	return child == SUPERVISOR_ETCD ? 0 : child == SUPERVISOR_SYNC ? 1 : 2;
}
#define STAGES 3

static void add(struct supervisor_actions *actions, enum supervisor_action_kind kind, enum supervisor_child child,
        uint64_t delay_ms)
{
	actions->list[actions->count++] = (struct supervisor_action){ kind, child, delay_ms };
}

static uint64_t grace_ms(const struct supervisor_table *table, uint64_t now_ms)
{
	if (!table->stopping)
		return SUPERVISOR_GRACE_MS;
	if (now_ms + SUPERVISOR_LAST_GRACE_MS > table->stop_deadline_ms)
		return SUPERVISOR_LAST_GRACE_MS;
	return table->stop_deadline_ms - now_ms;
}

/* The first restart at once, then 1 s, 2 s, 4 s … */
static uint64_t backoff_ms(unsigned failures)
{
	uint64_t delay = SUPERVISOR_BACKOFF_MS;

	if (failures <= 1)
		return 0;
	for (unsigned i = 2; i < failures && delay < SUPERVISOR_BACKOFF_MAX_MS; i++)
		delay *= 2;
	return delay < SUPERVISOR_BACKOFF_MAX_MS ? delay : SUPERVISOR_BACKOFF_MAX_MS;
}

static void step(struct supervisor_table *table, enum supervisor_child child, enum supervisor_event event,
        uint64_t now_ms, struct supervisor_actions *actions)
{
	enum supervisor_state before = table->children[child].state;
	struct cell cell = cells[before][event];
	unsigned *failures = &table->children[child].failures;

	table->children[child].state = cell.next;
	if ((cell.todo & FORGIVE) != 0)
		*failures = 0;
	if ((cell.todo & SINCE) != 0)
		table->children[child].up_since_ms = now_ms;
	if ((cell.todo & BACKOFF) != 0) {
		bool was_good = before == UP && now_ms - table->children[child].up_since_ms >= SUPERVISOR_GOOD_MS;

		*failures = was_good ? 1 : *failures + 1;
		add(actions, SUPERVISOR_SET_TIMER, child, backoff_ms(*failures));
	}
	if ((cell.todo & TERM) != 0)
		add(actions, SUPERVISOR_TERM, child, 0);
	if ((cell.todo & KILL) != 0)
		add(actions, SUPERVISOR_KILL, child, 0);
	if ((cell.todo & GRACE) != 0)
		add(actions, SUPERVISOR_SET_TIMER, child, grace_ms(table, now_ms));
	if ((cell.todo & SPAWN) != 0)
		add(actions, SUPERVISOR_SPAWN, child, 0);
}

/* Up: the lowest stage that is not all up is the last one whose pending children get their turn. */
static void advance(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions)
{
	for (int stage = 0; stage < STAGES; stage++) {
		bool all_up = true;

		for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
			if (!table->children[c].present || stage_of(c) != stage)
				continue;
			if (table->children[c].pending) {
				table->children[c].pending = false;
				step(table, c, SUPERVISOR_START, now_ms, actions);
			}
			all_up = all_up && table->children[c].state == UP;
		}
		if (!all_up)
			return;
	}
}

/* Down: nothing is started any more, and the highest stage that is not all idle is told to stop. */
static void retreat(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions)
{
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
		if (table->children[c].state == WAITING || table->children[c].state == RECYCLING)
			step(table, c, SUPERVISOR_STOP, now_ms, actions);
	for (int stage = STAGES - 1; stage >= 0; stage--) {
		bool all_idle = true;

		for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
			if (stage_of(c) != stage)
				continue;
			step(table, c, SUPERVISOR_STOP, now_ms, actions);
			all_idle = all_idle && table->children[c].state == IDLE;
		}
		if (!all_idle)
			return;
	}
}

void supervisor_table_init(struct supervisor_table *table, bool with_etcd)
{
	*table = (struct supervisor_table){ 0 };
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
		table->children[c].present = c != SUPERVISOR_ETCD || with_etcd;
}

static void make_pending(struct supervisor_table *table, enum supervisor_child first)
{
	for (int c = first; c < SUPERVISOR_CHILDREN; c++)
		table->children[c].pending = table->children[c].present;
}

void supervisor_table_start(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions)
{
	make_pending(table, SUPERVISOR_ETCD);
	advance(table, now_ms, actions);
}

void supervisor_table_reload(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions)
{
	if (table->stopping)
		return;
	make_pending(table, SUPERVISOR_SYNC);
	advance(table, now_ms, actions);
}

void supervisor_table_stop(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions)
{
	if (table->stopping) {
		for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
			step(table, c, SUPERVISOR_TIMER, now_ms, actions);
		table->stop_deadline_ms = now_ms;
		return;
	}
	table->stop_deadline_ms = now_ms + SUPERVISOR_GRACE_MS;
	table->stopping = true;
	retreat(table, now_ms, actions);
}

void supervisor_table_child(struct supervisor_table *table, enum supervisor_child child, enum supervisor_event event,
        uint64_t now_ms, struct supervisor_actions *actions)
{
	step(table, child, event, now_ms, actions);
	if (table->stopping)
		retreat(table, now_ms, actions);
	else
		advance(table, now_ms, actions);
}

bool supervisor_table_is_up(const struct supervisor_table *table)
{
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
		if (table->children[c].present && table->children[c].state != UP)
			return false;
	return true;
}

bool supervisor_table_is_down(const struct supervisor_table *table)
{
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
		if (table->children[c].state != IDLE)
			return false;
	return true;
}

const char *supervisor_table_state_text(enum supervisor_state state)
{
	static const char *const texts[] = { "idle", "waiting to restart", "starting", "up", "restarting", "stopping" };

	return texts[state];
}
