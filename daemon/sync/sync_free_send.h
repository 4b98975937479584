/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The transaction that frees claims. Each is a nested one of its own, so that one that changed does not keep the others: compares
 * that the record's mod_revision is unchanged and that no key under containerhb/<C>/ has the record's incarnation as its create_revision,
 * then deletes the record. Around them: P/store is what it was.
 */
#ifndef SYNC_FREE_SEND_H
#define SYNC_FREE_SEND_H

#include "../common/keys.h"
#include "../etcd/etcd.h"
#include "sync_free.h"

struct sync_free_send;

/* answered: every claim was freed, or found changed, and the watch will show which. Otherwise (etcd away, outcome unknown, refused)
 * any of them may be unchanged: sending again is safe, for what is compared never comes back. */
typedef void sync_free_sent_fn(void *arg, const struct sync_free_claim *claims, size_t count, bool answered);

struct sync_free_send *sync_free_send_new(
        struct etcd *etcd, const struct keys *keys, sync_free_sent_fn *sent, void *arg);
void sync_free_send_free(struct sync_free_send *send); /* what is under way ends without a word */

/* At most ETCD_TXN_NESTED_TWO claims, copied. Negative: nothing was sent. */
int sync_free_send(
        struct sync_free_send *send, const char *store_value, const struct sync_free_claim *claims, size_t count);
size_t sync_free_send_count(const struct sync_free_send *send); /* transactions under way */

#endif
