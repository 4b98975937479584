/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One shard as its container sees it: a pure state machine, (claim, environment, event) -> actions. No clock, no I/O, no allocation.
 *
 * Two things go on beside each other, and one wish drives them:
 *   app    what the application has been told: nothing, adding, serving, dropping, losing. At most one event is unacknowledged.
 *   op     what etcd has been asked: at most one operation at a time, each a compare-and-swap on the record of the shard.
 *   want   the newest order (add, drop), or to keep things as they are.
 *
 * What the machine keeps, whatever order the events come in:
 *   - The application is told to add only after this process's claim was committed for the incarnation that is still believed.
 *   - A release is asked for only while the application holds nothing: before its add, or after it acknowledged drop or lost.
 *   - An unknown outcome is settled by repeating the comparing transaction until a definite answer. A read settles it only when the
 *     session key that the transaction compares is gone for ever. Until then sm_shard_held is 0 for the shard.
 *   - A record of another process with this container's id is never touched: that process may still believe.
 *   - Every order is answered exactly once.
 */
#ifndef CONTAINER_CLAIM_H
#define CONTAINER_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum container_claim_app {
	CONTAINER_CLAIM_NOT_TOLD,
	CONTAINER_CLAIM_ADDING,
	CONTAINER_CLAIM_SERVING,
	CONTAINER_CLAIM_DROPPING,
	CONTAINER_CLAIM_LOSING
};

enum container_claim_op {
	CONTAINER_CLAIM_NO_OP,
	CONTAINER_CLAIM_CREATE,  /* record absent -> create */
	CONTAINER_CLAIM_READY,   /* record unchanged -> ready */
	CONTAINER_CLAIM_RELEASE, /* record unchanged -> delete */
	CONTAINER_CLAIM_READ
};

enum container_claim_want { CONTAINER_CLAIM_KEEP, CONTAINER_CLAIM_ADD, CONTAINER_CLAIM_DROP };

struct container_claim {
	enum container_claim_app app;
	enum container_claim_op op; /* sent, not answered yet */
	enum container_claim_want want;
	void *order;          /* whom to answer when the wish has come true; NULL: nobody */
	int64_t incarnation;  /* that the record names, or that the last create was sent for */
	int64_t mod_revision; /* of our record, as last read or written; 0: none known */
	uint64_t token;
	bool ready;        /* the record says so */
	bool fresh;        /* the claim was just won and the application has not been told */
	bool doubt;        /* a create was sent whose outcome is unknown */
	bool hidden;       /* sm_shard_held is 0 because the outcome of ready is unknown */
	bool pausing;      /* waits for a RETRY event before it asks etcd again */
	bool closed;       /* CLOSE was seen */
	unsigned failures; /* in a row, without a definite answer */
};

struct container_claim_env {
	int64_t incarnation; /* of the session; 0: none */
	bool live;           /* now < deadline */
};

/* Whose a record is that was found in etcd. */
enum container_claim_owner {
	CONTAINER_CLAIM_ABSENT,
	CONTAINER_CLAIM_MINE,     /* this container, this incarnation */
	CONTAINER_CLAIM_FORMER,   /* this container, an earlier incarnation of this process */
	CONTAINER_CLAIM_STRANGER, /* this container's id, but another process */
	CONTAINER_CLAIM_OTHER     /* another container */
};

struct container_claim_record {
	enum container_claim_owner owner;
	int64_t incarnation, mod_revision;
	uint64_t token;
	bool ready;
};

enum container_claim_event_type {
	/* orders; order may be NULL */
	CONTAINER_CLAIM_ORDER_ADD,
	CONTAINER_CLAIM_ORDER_DROP,
	CONTAINER_CLAIM_STOP,  /* drop, and no order will follow */
	CONTAINER_CLAIM_CLOSE, /* the application states that it has stopped everything */
	/* answers to the op that is out */
	CONTAINER_CLAIM_COMMITTED, /* its compare held; mod_revision, token (of a create) */
	CONTAINER_CLAIM_FOUND,     /* its compare failed, or a read: record */
	CONTAINER_CLAIM_UNKNOWN,
	CONTAINER_CLAIM_UNSENT, /* certainly not executed: code, text */
	CONTAINER_CLAIM_FENCED, /* create only: the session key or the store incarnation is not the one it was sent for */
	/* the rest */
	CONTAINER_CLAIM_ACKED, /* the application's; text NULL: done */
	CONTAINER_CLAIM_LOST,  /* the session has ended; env has no incarnation any more */
	CONTAINER_CLAIM_RETRY
};

struct container_claim_event {
	enum container_claim_event_type type;
	void *order;
	int64_t mod_revision;
	uint64_t token;
	struct container_claim_record record;
	int code;
	const char *text;
};

enum container_claim_action_type {
	CONTAINER_CLAIM_SEND,     /* op, on mod_revision where it compares one */
	CONTAINER_CLAIM_HOLD,     /* sm_shard_held answers token, while the session lives */
	CONTAINER_CLAIM_UNHOLD,   /* sm_shard_held answers 0 */
	CONTAINER_CLAIM_TELL_ADD, /* enqueue the application's event; token */
	CONTAINER_CLAIM_TELL_DROP,
	CONTAINER_CLAIM_TELL_LOST, /* text NULL: with the session */
	CONTAINER_CLAIM_ANSWER,    /* order: code, text, token */
	CONTAINER_CLAIM_PAUSE      /* send RETRY later */
};

struct container_claim_action {
	enum container_claim_action_type type;
	enum container_claim_op op;
	int64_t mod_revision;
	uint64_t token;
	void *order;
	int code;
	const char *text; /* static, or the event's */
};

#define CONTAINER_CLAIM_ACTIONS 8
struct container_claim_actions {
	size_t count;
	struct container_claim_action list[CONTAINER_CLAIM_ACTIONS];
};

/* A zeroed claim is free. Carry out the actions in their order. */
void container_claim_step(struct container_claim *claim, const struct container_claim_env *env,
        const struct container_claim_event *event, struct container_claim_actions *ret_actions);

/* Nothing is known, wished or under way: it may be forgotten. */
bool container_claim_is_free(const struct container_claim *claim);

#endif
