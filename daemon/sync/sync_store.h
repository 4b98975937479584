/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Is this still the etcd that the view is of? Reads P/store through quorum (creating it when absent) and compares its incarnation, the
 * revision and the raft term with what was seen before. A store that was restored from a backup goes back; until an operator has raised
 * the incarnation nothing that it says about claims may be acted upon.
 */
#ifndef SYNC_STORE_H
#define SYNC_STORE_H

#include "../common/keys.h"
#include "../etcd/etcd.h"

enum sync_store_verdict {
	SYNC_STORE_SAME,      /* go on */
	SYNC_STORE_RAISED,    /* the incarnation is larger than the view's: fill a fresh segment */
	SYNC_STORE_WENT_BACK, /* and so it stays until the incarnation is raised */
	SYNC_STORE_MALFORMED, /* P/store holds something else */
	SYNC_STORE_AWAY       /* no answer */
};
/* kv: P/store, with SAME and RAISED. why: with MALFORMED, AWAY and WENT_BACK. */
typedef void sync_store_fn(
        void *arg, enum sync_store_verdict verdict, uint64_t incarnation, const struct etcd_kv *kv, const char *why);

struct sync_store;

/* incarnation: of the view at hand, be it whole or not; 0: there is none. NULL: out of memory. */
struct sync_store *sync_store_new(
        struct etcd *etcd, const struct keys *keys, uint64_t incarnation, sync_store_fn *checked, void *arg);
void sync_store_free(struct sync_store *store);

/* Starts a check, unless one is under way. revision: what the view shows now. */
void sync_store_check(struct sync_store *store, int64_t revision);
void sync_store_cancel(struct sync_store *store);

/* Does this header, of a member that may only lag behind, call for a check? Remembers its raft term. */
bool sync_store_suspects(struct sync_store *store, const struct etcd_header *header, int64_t revision);

/* The view is of this incarnation from now on. */
void sync_store_accept(struct sync_store *store, uint64_t incarnation);
uint64_t sync_store_incarnation(const struct sync_store *store);
bool sync_store_went_back(const struct sync_store *store);

#endif
