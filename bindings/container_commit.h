/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The shards' operations, gathered into few transactions: up to 127 shards in one, each in a nested transaction of its own so that it fails
 * alone, a bounded number of transactions under way. What is asked for within one turn of the loop goes out together.
 *
 * Creates go in transactions of their own whose outer compares are the session key's create_revision and P/store's mod_revision; one that
 * commits is therefore also a proof. Ready, release and read compare the record only, and work without a session.
 */
#ifndef CONTAINER_COMMIT_H
#define CONTAINER_COMMIT_H

#include "container_identity.h"
#include "container_session.h"
#include "container_shards.h"

struct container_commit;

struct container_commit_handler {
	/* A transaction was answered; proves: it committed comparing the session key. Before the outcomes of its shards. */
	void (*answered)(
	        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves);
	/* The session key or P/store is not what it was; before the outcomes, which are FENCED. */
	void (*fenced)(void *arg, const char *reason);
	/* What became of the operation of this shard: COMMITTED, FOUND, UNKNOWN, UNSENT or FENCED. */
	void (*outcome)(void *arg, struct container_shard *shard, const struct container_claim_event *event);
};

/* identity, session and etcd are borrowed. SM_ENOMEM. */
int container_commit_new(struct event_base *base, struct etcd *etcd, const struct container_identity *identity,
        struct container_session *session, const struct container_commit_handler *handler, void *arg,
        struct container_commit **ret_commit);
/* Calls nothing back; what is under way has an unknown outcome. Before etcd_free. */
void container_commit_free(struct container_commit *commit);

/* Sends the op that shard->claim.op names; exactly one outcome follows. The shard must stay until then. */
void container_commit_add(struct container_commit *commit, struct container_shard *shard);

#endif
