/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The shards of which a container knows anything: a hash table of claims by shard and replica. The I/O thread's alone.
 */
#ifndef CONTAINER_SHARDS_H
#define CONTAINER_SHARDS_H

#include "container_claim.h"
#include "container_mailbox.h"

struct container_shard {
	struct container_claim claim;
	struct container_mailbox_ticket ticket;
	struct container_shard *chain;  /* of the hash table */
	struct container_shard *queued; /* next of those that wait for a transaction, or for a pause to end */
	uint64_t retry_at_ns;           /* while pausing */
	struct sm_event *end_event;     /* for its drop or lost, from before the add */
	char *task;
	bool unheld; /* there was no memory to hold it */
	uint32_t replica;
	char id[];
};

struct container_shards {
	struct container_shard **buckets;
	size_t count, mask;
};

/* SM_ENOMEM. */
int container_shards_init(struct container_shards *shards);
void container_shards_done(struct container_shards *shards);

/* NULL: not there. key: the held table's of this shard and replica. */
struct container_shard *container_shards_find(
        const struct container_shards *shards, const struct hash *key, const char *id, uint32_t replica);
/* A free claim. NULL: out of memory. */
struct container_shard *container_shards_add(
        struct container_shards *shards, const struct hash *key, const char *id, uint32_t replica);
void container_shards_remove(struct container_shards *shards, struct container_shard *shard);

/* Calls visit on each; visit may remove the one it is given, and may not add. */
void container_shards_each(
        struct container_shards *shards, void (*visit)(void *arg, struct container_shard *shard), void *arg);

#endif
