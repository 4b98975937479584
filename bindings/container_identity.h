/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Who this container is in etcd: its names, its keys, the incarnations it has had, and so whose a record is.
 */
#ifndef CONTAINER_IDENTITY_H
#define CONTAINER_IDENTITY_H

#include "common/keys.h"
#include "common/records.h"
#include "container_claim.h"
#include "etcd/etcd.h"

struct container_identity {
	struct keys keys;
	char service[KEYS_ID_BYTES + 1], id[KEYS_ID_BYTES + 1];
	char store_key[KEYS_BYTES];       /* P/store */
	char sessions_prefix[KEYS_BYTES]; /* containerhb/<C>/ */
	/* of the session */
	uint64_t store_incarnation;
	int64_t store_mod_revision;
	int64_t lease;
	char session_key[KEYS_BYTES];
	/* incarnations of this process whose sessions have ended; its own records may carry them */
	int64_t *former;
	size_t former_count;
};

/* SM_EINVAL with why. */
int container_identity_init(
        struct container_identity *identity, const char *prefix, const char *service, const char *id, struct why *why);
void container_identity_done(struct container_identity *identity);

void container_identity_set_lease(struct container_identity *identity, int64_t lease);

/* Remembers that incarnation was this process's. Without memory for it its records count as a stranger's: careful, only slower. */
void container_identity_end(struct container_identity *identity, int64_t incarnation);

/* The key of a shard's claim; ret_key holds KEYS_BYTES. SM_EINVAL: not an id. */
int container_identity_claim_key(
        const struct container_identity *identity, const char *shard, uint32_t replica, char *ret_key, struct why *why);

/* Reads a record as found: NULL is absent. incarnation: of the session now, 0 none. What does not parse is not this
 * process's, which writes only what does. SM_ENOMEM. */
int container_identity_read(const struct container_identity *identity, int64_t incarnation, const struct etcd_kv *kv,
        struct container_claim_record *ret_record);

#endif
