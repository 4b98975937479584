/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The life of a container's session: registering, renewed by proofs, suspended when they stay away, resumed by the next one, ended when
 * the key is gone. Keeps the held table's deadline; the shards are the caller's business.
 */
#ifndef CONTAINER_PRESENCE_H
#define CONTAINER_PRESENCE_H

#include "container_held.h"
#include "container_identity.h"
#include "container_session.h"

struct container_presence;

struct container_presence_handler {
	void (*opened)(void *arg);
	void (*suspended)(void *arg);
	void (*resumed)(void *arg);
	/* session->incarnation is 0 and nothing is held any more. begin() makes the next session; the caller calls it when nothing of
	 * this one is left. */
	void (*ended)(void *arg, const char *reason);
	void (*failed)(void *arg, int error, const char *text); /* the id is taken; nothing goes on */
	void (*trouble)(void *arg, const char *text);           /* it goes on */
	void (*left)(void *arg);                                /* what leave() began */
};

struct container_presence_parts { /* all borrowed */
	struct event_base *base;
	struct etcd *etcd, *keepalives, *proofs; /* clients, so connections, of their own */
	struct container_identity *identity;
	struct container_session *session;
	struct container_held *held;
	unsigned ttl_s;
	const char *heartbeat;
};

/* SM_ENOMEM, SM_ESYSTEM. */
int container_presence_new(const struct container_presence_parts *parts,
        const struct container_presence_handler *handler, void *arg, struct container_presence **ret_presence);
void container_presence_free(struct container_presence *presence);

/* Opens a session; there must be none. */
void container_presence_begin(struct container_presence *presence);

/* Any quorum answer of etcd; proves: it compared or found the session key of mark->incarnation. */
void container_presence_answered(struct container_presence *presence, const struct container_session_mark *mark,
        const struct etcd_header *header, bool proves);

/* Somebody found out that the session is over. Harmless when there is none. */
void container_presence_end(struct container_presence *presence, const char *reason);

/* For good: revokes the session, or gives up registering. handler->left follows, perhaps from inside. */
void container_presence_leave(struct container_presence *presence);

#endif
