/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Until when a container may believe in its session: a pure kernel, no clock and no I/O.
 *
 * A session is one key in etcd; its create_revision is the incarnation. No lease is trusted. What extends the belief is a proof: an
 * answered quorum read that found the key with this create_revision, or a committed transaction that compared it. It holds for belief_ms
 * from the moment at which it was SENT; a manager frees claims only after a longer time from when it saw the key gone, so nobody frees
 * what somebody believes. A deadline belongs to one incarnation; answers for any other are discarded.
 */
#ifndef CONTAINER_SESSION_H
#define CONTAINER_SESSION_H

#include "common/clocks.h"

#include <stdbool.h>
#include <stdint.h>

/* How far etcd had come when a request was sent, to see in its answer whether etcd went back (restored from a backup). */
struct container_session_mark {
	struct clocks sent;
	int64_t incarnation; /* 0: sent without a session */
	int64_t revision;
	uint64_t raft_term;
};

struct container_session {
	uint32_t belief_ms;
	int64_t incarnation; /* 0: none; it is never believed in again once it was ended */
	struct clocks deadline;
	bool suspended; /* the deadline was seen passed */
	int64_t revision;
	uint64_t raft_term; /* the largest seen */
};

void container_session_init(struct container_session *session, uint32_t ttl_s);

/* Stamp a request with this before it is handed to the transport. */
struct container_session_mark container_session_send(const struct container_session *session, struct clocks now);

/* Records how far etcd is. true: it went back since the request was sent; every belief must end. */
bool container_session_went_back(struct container_session *session, const struct container_session_mark *mark,
        int64_t revision, uint64_t raft_term);

/* A new session: its key was created or read by the request with this mark, with this create_revision. */
void container_session_begin(
        struct container_session *session, int64_t incarnation, const struct container_session_mark *mark);

enum container_session_proof {
	CONTAINER_SESSION_DISCARDED, /* of another incarnation, or too old to help */
	CONTAINER_SESSION_EXTENDED,
	CONTAINER_SESSION_RESUMED /* it was suspended and is not any more */
};
/* A proof for mark->incarnation was answered. */
enum container_session_proof container_session_prove(
        struct container_session *session, const struct container_session_mark *mark, struct clocks now);

/* May this container act? */
bool container_session_live(const struct container_session *session, struct clocks now);

/* true exactly once per suspension: at the first call after the deadline. */
bool container_session_suspend(struct container_session *session, struct clocks now);

/* How long until the deadline by the clock that reaches it first; 0 when it has passed or there is no session. */
uint64_t container_session_left_ns(const struct container_session *session, struct clocks now);

void container_session_end(struct container_session *session);

#endif
