/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Keeping a session: every third of the TTL, with jitter, a keepalive (so that etcd keeps the lease) and beside it, on a connection of its
 * own, a quorum read of the session key (the proof that extends the belief). A watch on the key tells its end at once.
 */
#ifndef CONTAINER_RENEW_H
#define CONTAINER_RENEW_H

#include "container_identity.h"
#include "container_session.h"

struct container_renew;

struct container_renew_handler {
	/* A read was answered; proves: it found the key. */
	void (*answered)(
	        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves);
	/* The session key or its lease is gone. The callee frees the renewal. */
	void (*gone)(void *arg, const char *reason);
	void (*trouble)(void *arg, const char *text);
};

struct container_renew_parts { /* all borrowed; each client keeps connections of its own */
	struct event_base *base;
	struct etcd *keepalives, *proofs, *watches;
	const struct container_identity *identity;
	const struct container_session *session;
	unsigned ttl_s;
};

/* revision: the session key was seen at it. SM_ENOMEM. */
int container_renew_new(const struct container_renew_parts *parts, int64_t revision,
        const struct container_renew_handler *handler, void *arg, struct container_renew **ret_renew);
void container_renew_free(struct container_renew *renew);

#endif
