/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Many keys created or deleted under one fence, in transactions within etcd's limits, several at a time; each key has an outcome of its own.
 */
#ifndef SYNC_BATCH_H
#define SYNC_BATCH_H

#include "sync_context.h"

struct sync_batch_item {
	char *key, *value; /* malloc'ed; value NULL: delete, else create */
	int code; /* in: not 0: leave it out. out: 0, also when a key to delete was absent; SM_EEXIST; or the transaction's error */
};

struct sync_batch {
	char fence[KEYS_BYTES];
	int64_t guess; /* of the fence's mod_revision; 0: unknown */
	size_t count;
	struct sync_batch_item items[];
};

/* NULL: out of memory. */
struct sync_batch *sync_batch_new(size_t count);
void sync_batch_free(struct sync_batch *batch);

/* error: of the whole, when no transaction got through (SM_ENOENT: no fence; SM_EUNAVAILABLE …), else 0. why: of the last error, also when
 * error is 0. */
typedef void sync_batch_fn(void *arg, int error, const char *why, int64_t revision);
/* The keys must differ. The batch stays the caller's, unchanged until done. SM_ENOMEM, or 0: done will be called, never from inside. */
int sync_batch_run(struct sync_context *context, struct sync_batch *batch, sync_batch_fn *done, void *arg);

#endif
