/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Opening a session: wait for P/store, grant a lease, put the session key under it, and wait until this key is the oldest one of the
 * container's id (etcd's mutex recipe). Goes on until it succeeds, except when another process keeps the id for two TTL.
 */
#ifndef CONTAINER_REGISTER_H
#define CONTAINER_REGISTER_H

#include "container_identity.h"
#include "container_session.h"

struct container_register;

struct container_register_handler {
	/* Done: lease, session key and P/store are in the identity. mark is of the request that saw the key, as the oldest. The callee
	 * frees the registration. */
	void (*registered)(void *arg, const struct container_session_mark *mark, int64_t incarnation,
	        const struct etcd_header *header);
	/* It goes on, but people may want to know what it waits for. */
	void (*waiting)(void *arg, const char *text);
	/* SM_EEXIST: the id is held by another process. The callee frees the registration. */
	void (*failed)(void *arg, int error, const char *text);
};

/* Everything is borrowed; heartbeat is the session key's value. Starts at once. SM_ENOMEM. */
int container_register_new(struct event_base *base, struct etcd *etcd, struct container_identity *identity,
        struct container_session *session, unsigned ttl_s, const char *heartbeat,
        const struct container_register_handler *handler, void *arg, struct container_register **ret_register);

/* At any time. A lease that was granted and is not a session's stays in the identity, for the caller to revoke. */
void container_register_free(struct container_register *reg);

#endif
