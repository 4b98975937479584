/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The items are cut into chunks, in order; each chunk is a fenced transaction.
 */
#include "sync_batch.h"

#include "../common/log.h"
#include "sync_fenced.h"

#include <shardmgr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 4
#define CHUNK_BYTES (ETCD_REQUEST_BYTES / 2) /* a chunk may also carry the else branches and the fence */
#define ITEM_BYTES 200u                      /* around key and value */

struct run {
	struct sync_context *context;
	struct sync_batch *batch;
	sync_batch_fn *done;
	void *arg;
	uint64_t deadline_ms;
	size_t next, in_flight; /* next item; chunks under way */
	bool any;               /* a chunk got through */
	int error;
	int64_t revision;
	char why[256];
};

struct chunk {
	struct run *run;
	size_t from, to; /* items */
};

static const struct sync_fenced_calls chunk_calls;

static size_t item_bytes(const struct sync_batch_item *item)
{
	return ITEM_BYTES + 3 * strlen(item->key) + (item->value == NULL ? 0 : strlen(item->value));
}

/* Items from from on that fit in one transaction. */
static size_t chunk_end(const struct sync_batch *batch, size_t from)
{
	size_t to = from, bytes = 0, operations = 0;

	for (; to < batch->count && operations < ETCD_TXN_NESTED; to++) {
		if (batch->items[to].code != 0)
			continue;
		bytes += item_bytes(&batch->items[to]);
		if (operations > 0 && bytes > CHUNK_BYTES)
			break;
		operations++;
	}
	return to;
}

static void note_error(struct run *run, struct chunk *chunk, int error, const char *why)
{
	run->error = error;
	snprintf(run->why, sizeof(run->why), "%s", why);
	for (size_t i = chunk->from; i < chunk->to; i++)
		if (run->batch->items[i].code == 0)
			run->batch->items[i].code = error;
	/* The service is gone, or etcd is: the rest would fare no better. */
	if (error != SM_ENOENT && error != SM_EUNAVAILABLE)
		return;
	for (; run->next < run->batch->count; run->next++)
		if (run->batch->items[run->next].code == 0)
			run->batch->items[run->next].code = error;
}

/* Starts chunks while there is room; ends the run when nothing is left. */
static void advance(struct run *run)
{
	while (run->in_flight < IN_FLIGHT && run->next < run->batch->count) {
		struct chunk *chunk = malloc(sizeof(*chunk));

		if (chunk == NULL)
			fatalx("out of memory for a transaction");
		*chunk = (struct chunk){ run, run->next, chunk_end(run->batch, run->next) };
		run->next = chunk->to;
		run->in_flight++;
		if (sync_fenced_start(run->context, run->batch->fence, run->batch->guess, run->deadline_ms,
		            &chunk_calls, chunk) != 0)
			fatalx("out of memory for a transaction");
	}
	if (run->in_flight > 0)
		return;
	run->done(run->arg, run->any ? 0 : run->error, run->why, run->revision);
	free(run);
}

static int build_chunk(void *arg, struct etcd_txn *txn, const struct etcd_kv *fence, struct why *why)
{
	struct chunk *chunk = arg;

	(void)fence;
	(void)why;
	for (size_t i = chunk->from; i < chunk->to; i++) {
		const struct sync_batch_item *item = &chunk->run->batch->items[i];
		struct etcd_txn *nested;

		if (item->code != 0)
			continue;
		if (item->value == NULL) {
			etcd_txn_delete(txn, ETCD_THEN, item->key);
			continue;
		}
		nested = etcd_txn_new();
		etcd_txn_if_create_revision(nested, item->key, 0);
		etcd_txn_put(nested, ETCD_THEN, item->key, item->value, strlen(item->value), 0);
		etcd_txn_get(nested, ETCD_ELSE, item->key);
		etcd_txn_nest(txn, ETCD_THEN, nested);
	}
	return 0;
}

/* Sets the item's code; did it change anything? */
static bool read_result(struct sync_batch_item *item, const struct etcd_op_result *result, bool repeated)
{
	const struct etcd_op_result *found;

	if (item->value == NULL)
		return result->deleted > 0;
	if (result->nested.succeeded)
		return true;
	found = &result->nested.ops[0];
	/* What a lost try wrote is as good as written now. */
	if (repeated && found->kv_count == 1 && strcmp(found->kvs[0].value, item->value) == 0)
		return true;
	item->code = SM_EEXIST;
	return false;
}

static void on_chunk(
        void *arg, int error, const char *why, const struct etcd_txn_result *then, int64_t revision, bool repeated)
{
	struct chunk *chunk = arg;
	struct run *run = chunk->run;
	bool changed = false;
	size_t op = 0;

	run->in_flight--;
	if (error != 0) {
		note_error(run, chunk, error, why);
	} else {
		for (size_t i = chunk->from; i < chunk->to; i++)
			if (run->batch->items[i].code == 0)
				changed |= read_result(&run->batch->items[i], &then->ops[op++], repeated);
		run->any = true;
		revision = sync_context_revision(run->context, revision, changed);
		run->revision = revision > run->revision ? revision : run->revision;
	}
	free(chunk);
	advance(run);
}

static const struct sync_fenced_calls chunk_calls = { build_chunk, on_chunk };

int sync_batch_run(struct sync_context *context, struct sync_batch *batch, sync_batch_fn *done, void *arg)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return SM_ENOMEM;
	run->context = context;
	run->batch = batch;
	run->done = done;
	run->arg = arg;
	run->deadline_ms = sync_context_deadline_ms();
	advance(run);
	return 0;
}

struct sync_batch *sync_batch_new(size_t count)
{
	struct sync_batch *batch = calloc(1, sizeof(*batch) + count * sizeof(batch->items[0]));

	if (batch != NULL)
		batch->count = count;
	return batch;
}

void sync_batch_free(struct sync_batch *batch)
{
	if (batch == NULL)
		return;
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->items[i].key);
		free(batch->items[i].value);
	}
	free(batch);
}
