/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A transaction whose outcome can always be settled. It compares the mod_revision of a key, its fence. When the answer is lost,
 * the request may still lie in a stopped member and arrive after people have moved on: so the fence is written again with its own value, which
 * makes the lost one fail for ever, and only then is the transaction built and sent anew. A fence that somebody else changed
 * meanwhile means: build and send again.
 */
#ifndef SYNC_FENCED_H
#define SYNC_FENCED_H

#include "sync_context.h"

#define SYNC_FENCED_NOTHING 1 /* from build: there is nothing to change */

struct sync_fenced_calls {
	/* Adds operations to txn's THEN branch; the compare of the fence is there already. fence: as read, NULL when
	 * the revision is a guess (then it must not fail). 0; SYNC_FENCED_NOTHING; or negative: it ends with that error and why. */
	int (*build)(void *arg, struct etcd_txn *txn, const struct etcd_kv *fence, struct why *why);
	/* error 0: done; then is THEN's result, NULL after SYNC_FENCED_NOTHING; revision: of the answer. repeated: an earlier try, whose
	 * answer was lost, may have made the change already. SM_ENOENT: the fence does not exist. */
	void (*done)(void *arg, int error, const char *why, const struct etcd_txn_result *then, int64_t revision,
	        bool repeated);
};

/* guess: the fence's mod_revision as the view has it; 0: read it first. deadline_ms: CLOCK_BOOTTIME. SM_ENOMEM, or 0: done will be called. */
int sync_fenced_start(struct sync_context *context, const char *fence, int64_t guess, uint64_t deadline_ms,
        const struct sync_fenced_calls *calls, void *arg);

#endif
