/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Unary calls: a queue in front of a few connections, one try after the other on one endpoint after the other, as far as the kind of call
 * allows that. What a call means is its kind's affair.
 */
#ifndef ETCD_CALL_H
#define ETCD_CALL_H

#include "etcd.h"
#include "etcd_auth.h"
#include "etcd_json.h"

#include <sys/queue.h>

/* What calls and watches are made of. */
struct etcd_parts {
	struct event_base *base;
	struct etcd_endpoints endpoints;
	struct etcd_http *http;
	struct etcd_auth *auth;
	bool separate_connections;
	unsigned timeout_ms, connections, watch_interval_ms, watch_patience_ms;
};

struct etcd_calls;

/* What may be done when it is not known whether etcd executed a request. */
enum etcd_call_repeat {
	ETCD_CALL_REPEAT, /* ask again; harmless to ask twice. In the end SM_EUNAVAILABLE */
	ETCD_CALL_SETTLE, /* ask again; in the end SM_EUNKNOWN if one of the tries may have been executed */
	ETCD_CALL_ONCE    /* SM_EUNKNOWN at once */
};

struct etcd_call_kind {
	const char *path;
	enum etcd_call_repeat repeat;
	/* Takes the answer apart; anything but 0 and SM_ENOMEM: it makes no sense, or says no. May be called again, after another try. */
	int (*decode)(struct etcd_call *call, const json_t *answer, struct why *why);
	/* Calls the user. why: not NULL. */
	void (*finish)(struct etcd_call *call, int error, const char *why);
	void (*done)(struct etcd_call *call); /* frees what the kind has in the call */
};

TAILQ_HEAD(etcd_call_list, etcd_call);

/* First member of each kind's own struct. */
struct etcd_call {
	struct etcd_text body; /* the request, written by the kind before etcd_call_submit */
	/* The rest is etcd_call.c's. */
	struct etcd_calls *calls;
	const struct etcd_call_kind *kind;
	TAILQ_ENTRY(etcd_call) all, queue;
	struct etcd_call_list *waits_in; /* NULL = in none */
	struct etcd_transfer *transfer;
	struct event *pause;
	uint64_t since_ms;
	size_t endpoint;
	unsigned tries, tokens, generation;
	bool maybe_executed, over, running, cancelled;
	int error;
	struct why why;
};

/* Allocates a call of bytes, zeroed, with kind. NULL when out of memory. */
struct etcd_call *etcd_call_new(struct etcd_calls *calls, const struct etcd_call_kind *kind, size_t bytes);
/* Queues it: its finish is called once, later. body.failed ends it with SM_ENOMEM. */
struct etcd_call *etcd_call_submit(struct etcd_call *call);
/* As etcd_call_submit, but it ends with this error without being sent. */
struct etcd_call *etcd_call_reject(struct etcd_call *call, int error, const char *why);
/* In finish, after an error of 0: sends the same call again with another body. */
void etcd_call_again(struct etcd_call *call);
/* In finish, after the user was called: whether the call was cancelled meanwhile. */
bool etcd_call_is_cancelled(const struct etcd_call *call);
/* Ends it without calling its finish. */
void etcd_call_cancel(struct etcd_call *call);

/* parts is borrowed, and complete when the first call is submitted. NULL when out of memory. */
struct etcd_calls *etcd_call_queue_new(struct etcd_parts *parts);
void etcd_call_queue_free(struct etcd_calls *calls); /* cancels all; NULL is fine */

#endif
