/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The permanent keys of a governed service besides its spec and shards, written by everybody in the same way: P/app/S/containerhb/ (a
 * place for watches to start), and S as a shard of M. And how they go.
 */
#ifndef SYNC_GOVERNED_H
#define SYNC_GOVERNED_H

#include "../common/keys.h"
#include "../etcd/etcd.h"

/* All add to the given branch. 0, or negative with why. service must be an id. */
int sync_governed_put_place(
        const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service, struct why *why);
int sync_governed_put_shard(
        const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service, struct why *why);
/* A nested transaction: when no session and no claim is left under P/app/S/ (and S manages nothing itself), everything there and the mark
 * of deletion go; otherwise, if mark, the mark is put. */
int sync_governed_sweep(const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service,
        bool mark, struct why *why);
/* P/app/M/service/S/spec, P/app/M/ctl/deleted/S */
int sync_governed_key(
        const struct keys *keys, enum keys_kind kind, const char *service, char *ret_key, struct why *why);

#endif
