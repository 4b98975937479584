/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the supervisor does when something happens: a table state x event -> next state and actions for each child, and the order
 * between the children. Pure: no I/O, no clock; the caller carries the actions out and reports what came of them.
 *
 * Start and reload go up in stages, the next one begins when every child of the one before is up: etcd (dev mode only); sync; balancer and
 * http. Stop goes down the same stages. A child that ends by itself takes no other one along.
 */
#ifndef SUPERVISOR_TABLE_H
#define SUPERVISOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum supervisor_child { SUPERVISOR_ETCD, SUPERVISOR_SYNC, SUPERVISOR_BALANCER, SUPERVISOR_HTTP, SUPERVISOR_CHILDREN };

enum supervisor_state {
	SUPERVISOR_IDLE,      /* not running, not wanted */
	SUPERVISOR_WAITING,   /* not running, wanted: the timer is the backoff */
	SUPERVISOR_STARTING,  /* running, not ready yet */
	SUPERVISOR_UP,        /* ready */
	SUPERVISOR_RECYCLING, /* told to end, wanted again: the timer is the grace */
	SUPERVISOR_STOPPING,  /* told to end: the timer is the grace */
	SUPERVISOR_STATES
};

enum supervisor_event {
	SUPERVISOR_START, /* run with the configuration of now: one that runs ends first */
	SUPERVISOR_STOP,
	SUPERVISOR_READY, /* it said so */
	SUPERVISOR_ENDED, /* the process has ended, or could not be started */
	SUPERVISOR_TIMER, /* the timer that was set last has run out */
	SUPERVISOR_EVENTS
};

enum supervisor_action_kind {
	SUPERVISOR_SPAWN,    /* report ENDED when that fails */
	SUPERVISOR_TERM,     /* send SIGTERM */
	SUPERVISOR_KILL,     /* send SIGKILL */
	SUPERVISOR_SET_TIMER /* replaces the one before; delay_ms may be 0 */
};
struct supervisor_action {
	enum supervisor_action_kind kind;
	enum supervisor_child child;
	uint64_t delay_ms;
};

#define SUPERVISOR_GRACE_MS 5000u        /* from SIGTERM to SIGKILL */
#define SUPERVISOR_LAST_GRACE_MS 1000u   /* at least, for a stage whose turn comes late in a stop */
#define SUPERVISOR_BACKOFF_MS 1000u      /* the second restart waits this long, then twice as long … */
#define SUPERVISOR_BACKOFF_MAX_MS 60000u /* … up to this */
#define SUPERVISOR_GOOD_MS 60000u        /* up this long: the next restart is at once again */

#define SUPERVISOR_ACTIONS (4 * SUPERVISOR_CHILDREN) /* most that one call can give */
struct supervisor_actions {
	struct supervisor_action list[SUPERVISOR_ACTIONS];
	size_t count;
};

struct supervisor_table {
	struct {
		bool present, pending; /* pending: its turn to be started or restarted has not come yet */
		enum supervisor_state state;
		unsigned failures; /* ends by itself since it was last good */
		uint64_t up_since_ms;
	} children[SUPERVISOR_CHILDREN];
	bool stopping;
	uint64_t stop_deadline_ms;
};

void supervisor_table_init(struct supervisor_table *table, bool with_etcd);

/* Each appends to *actions, which the caller has emptied; now_ms is monotonic. */
void supervisor_table_start(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions);
/* Every child but etcd again, in order. Nothing while stopping. */
void supervisor_table_reload(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions);
/* For good. A second call kills what has not ended yet. */
void supervisor_table_stop(struct supervisor_table *table, uint64_t now_ms, struct supervisor_actions *actions);
/* event: READY, ENDED or TIMER. */
void supervisor_table_child(struct supervisor_table *table, enum supervisor_child child, enum supervisor_event event,
        uint64_t now_ms, struct supervisor_actions *actions);

bool supervisor_table_is_up(const struct supervisor_table *table);   /* every child */
bool supervisor_table_is_down(const struct supervisor_table *table); /* every child */
const char *supervisor_table_state_text(enum supervisor_state state);

#endif
