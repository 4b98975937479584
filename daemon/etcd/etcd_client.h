/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The client and its unary calls: a queue in front of a few connections, one try after the other on one endpoint after the other, as far
 * as the kind of call allows that. What a call means is its kind's affair.
 */
#ifndef ETCD_CLIENT_H
#define ETCD_CLIENT_H

#include "etcd.h"
#include "etcd_auth.h"
#include "etcd_json.h"

#include <sys/queue.h>

/* What may be done when it is not known whether etcd executed a request. */
enum etcd_client_repeat {
	ETCD_CLIENT_REPEAT, /* ask again; harmless to ask twice. In the end SM_EUNAVAILABLE */
	ETCD_CLIENT_SETTLE, /* ask again; in the end SM_EUNKNOWN if one of the tries may have been executed */
	ETCD_CLIENT_ONCE    /* SM_EUNKNOWN at once */
};

struct etcd_client_kind {
	const char *path;
	enum etcd_client_repeat repeat;
	/* Takes the answer apart; anything but 0 and SM_ENOMEM: it makes no sense, or says no. May be called again, after another try. */
	int (*decode)(struct etcd_call *call, const json_t *answer, struct why *why);
	/* Calls the user. why: not NULL. */
	void (*finish)(struct etcd_call *call, int error, const char *why);
	void (*done)(struct etcd_call *call); /* frees what the kind has in the call */
};

TAILQ_HEAD(etcd_client_queue, etcd_call);

/* First member of each kind's own struct. */
struct etcd_call {
	struct etcd_text body; /* the request, written by the kind before etcd_client_submit */
	/* The rest is etcd_client.c's. */
	struct etcd *etcd;
	const struct etcd_client_kind *kind;
	TAILQ_ENTRY(etcd_call) all, queue;
	struct etcd_client_queue *waits_in; /* NULL = in none */
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
struct etcd_call *etcd_client_new_call(struct etcd *etcd, const struct etcd_client_kind *kind, size_t bytes);
/* Queues it: its finish is called once, later. body.failed ends it with SM_ENOMEM. */
struct etcd_call *etcd_client_submit(struct etcd_call *call);
/* As etcd_client_submit, but it ends with this error without being sent. */
struct etcd_call *etcd_client_reject(struct etcd_call *call, int error, const char *why);
/* In finish, after an error of 0: sends the same call again with another body. */
void etcd_client_again(struct etcd_call *call);
/* In finish, after the user was called: whether the call was cancelled meanwhile. */
bool etcd_client_is_cancelled(const struct etcd_call *call);

/* For what lives beside the unary calls and ends with the client. */
struct etcd_client_guest {
	void (*end)(struct etcd_client_guest *guest); /* the client is being freed: free the guest, calling nobody */
	TAILQ_ENTRY(etcd_client_guest) next;
};
void etcd_client_enter(struct etcd *etcd, struct etcd_client_guest *guest);
void etcd_client_leave(struct etcd *etcd, struct etcd_client_guest *guest);

/* The parts that guests use. */
struct etcd_client_parts {
	struct event_base *base;
	struct etcd_endpoints *endpoints;
	struct etcd_http *http;
	struct etcd_auth *auth;
	unsigned timeout_ms, watch_interval_ms, watch_patience_ms;
};
const struct etcd_client_parts *etcd_client_parts(const struct etcd *etcd);

uint64_t etcd_client_now_ms(void);

#endif
