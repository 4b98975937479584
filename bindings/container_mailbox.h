/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * All that the application's threads and the I/O thread share, behind one mutex: events one way, acknowledgements and wishes to stop the
 * other, the state for people to look at. (The held table is shared, too, and has its own rules.)
 */
#ifndef CONTAINER_MAILBOX_H
#define CONTAINER_MAILBOX_H

#include "container_event.h"
#include "hash.h"

#include <stdbool.h>

struct container_mailbox;
struct container_held;

/* Acknowledged drops clear held, so that sm_shard_held is 0 when sm_container_ack has returned. SM_ENOMEM, SM_ESYSTEM. */
int container_mailbox_new(struct container_held *held, struct container_mailbox **ret_mailbox);
void container_mailbox_free(struct container_mailbox *mailbox);
/* In a forked child, where the mutex may be locked for ever: closes the descriptors and leaves the rest. */
void container_mailbox_abandon(struct container_mailbox *mailbox);

/* ---- the application's side: as sm_container_… ---- */
int container_mailbox_next(struct container_mailbox *mailbox, int timeout_ms, struct sm_event **ret_event);
int container_mailbox_ack(struct container_mailbox *mailbox, uint64_t sequence, const char *error);
int container_mailbox_wait(struct container_mailbox *mailbox, int timeout_ms);
int container_mailbox_fd(const struct container_mailbox *mailbox);
enum sm_state container_mailbox_state(struct container_mailbox *mailbox);
void container_mailbox_trouble(struct container_mailbox *mailbox, char *text, size_t text_bytes);
void container_mailbox_stop(struct container_mailbox *mailbox);
void container_mailbox_close(struct container_mailbox *mailbox, int timeout_ms);

/* ---- the I/O thread's side ---- */

/* Readable when there is something to take. */
int container_mailbox_wake_fd(const struct container_mailbox *mailbox);

/* A shard's unacknowledged event; lives inside what describes the shard, and there is at most one. */
struct container_mailbox_ticket {
	struct container_mailbox_ticket *next;
	uint64_t sequence;
	enum sm_event_type type;
	struct hash held_key;
	void *owner; /* the shard */
	char *error; /* of the acknowledgement; NULL: done */
};

/* Queues event, which is taken over. ticket is the mailbox's until container_mailbox_take gives it back. */
void container_mailbox_tell(
        struct container_mailbox *mailbox, struct sm_event *event, struct container_mailbox_ticket *ticket);

struct container_mailbox_taken {
	struct container_mailbox_ticket *acked; /* a list; the caller frees each error */
	bool stop, close;                       /* asked for since the handle was opened */
	int close_timeout_ms;
};
void container_mailbox_take(struct container_mailbox *mailbox, struct container_mailbox_taken *ret_taken);

/* error: why, in SM_STATE_FAILED. */
void container_mailbox_set_state(struct container_mailbox *mailbox, enum sm_state state, int error);
void container_mailbox_set_trouble(struct container_mailbox *mailbox, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#endif
