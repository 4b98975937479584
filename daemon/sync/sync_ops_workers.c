/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * add-worker, del-worker: one empty key under the fence of the service's spec.
 */
#include "sync_args.h"
#include "sync_batch.h"
#include "sync_ops.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

struct worker {
	sync_done_fn *done;
	void *arg;
	struct sync_batch *batch;
};

static void on_batch(void *arg, int error, const char *why, int64_t revision)
{
	struct worker *worker = arg;
	const struct sync_batch_item *item = &worker->batch->items[0];
	bool removes = item->value == NULL;

	if (error == SM_ENOENT) {
		error = removes ? 0 : SM_ENOENT;
		why = "there is no such service; add it first";
	}
	worker->done(worker->arg, error, error == 0 ? "" : why, NULL, revision);
	sync_batch_free(worker->batch);
	free(worker);
}

static int make_keys(
        struct sync_context *context, const struct keys_parts *parts, struct sync_batch *batch, struct why *why)
{
	struct keys_parts spec = { .kind = KEYS_SERVICE_SPEC };
	char key[KEYS_BYTES];
	int error = keys_join(context->keys, parts, key, why);

	strcpy(spec.service, parts->service);
	if (error == 0)
		error = keys_join(context->keys, &spec, batch->fence, why);
	if (error != 0)
		return error;
	batch->items[0].key = strdup(key);
	return batch->items[0].key == NULL ? why_set(why, SM_ENOMEM, "out of memory") : 0;
}

static int start(
        struct sync_context *context, const json_t *args, bool removes, sync_done_fn *done, void *arg, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_WORKER };
	const char *service, *group, *container;
	struct worker *worker;
	int error = sync_args_service(context, args, &service, why);

	if (error == 0)
		error = sync_args_id(args, "workerGroup", KEYS_PART_ID, &group, why);
	if (error == 0)
		error = sync_args_id(args, "worker", KEYS_PART_CONTAINER, &container, why);
	if (error != 0)
		return error;
	strcpy(parts.service, service);
	strcpy(parts.group, group);
	strcpy(parts.container, container);
	worker = calloc(1, sizeof(*worker));
	if (worker == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	*worker = (struct worker){ done, arg, sync_batch_new(1) };
	error = worker->batch == NULL ? SM_ENOMEM : make_keys(context, &parts, worker->batch, why);
	if (error == 0 && !removes && (worker->batch->items[0].value = strdup("")) == NULL)
		error = why_set(why, SM_ENOMEM, "out of memory");
	if (error == 0)
		error = sync_batch_run(context, worker->batch, on_batch, worker);
	if (error != 0) {
		sync_batch_free(worker->batch);
		free(worker);
	}
	return error;
}

int sync_ops_workers_add(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	return start(context, args, false, done, arg, why);
}

int sync_ops_workers_delete(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	return start(context, args, true, done, arg, why);
}
