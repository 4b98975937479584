/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * add-shards, del-shards: a batch under the fence of the service's spec, so that no shard is added to a service that is gone.
 */
#include "../common/command.h"
#include "../common/records.h"
#include "sync_args.h"
#include "sync_batch.h"
#include "sync_hash.h"
#include "sync_ops.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bulk {
	struct sync_context *context;
	sync_done_fn *done;
	void *arg;
	struct sync_batch *batch;
	json_t *results; /* one object per shard; those that were refused here are complete */
	bool removes;
};

/* To find an id that is given twice. */
struct seen {
	struct sync_hash_node node;
	const char *id;
};

static void free_bulk(struct bulk *bulk)
{
	sync_batch_free(bulk->batch);
	json_decref(bulk->results);
	free(bulk);
}

static void set_result(json_t *result, int code, const char *error)
{
	json_object_set_new(result, "code", json_integer(code));
	json_object_set_new(result, "error", json_string(error));
}

static void on_batch(void *arg, int error, const char *why, int64_t revision)
{
	struct bulk *bulk = arg;
	struct why absent;

	if (error == SM_ENOENT)
		why_set(&absent, 0, "there is no such service; add it first");
	for (size_t i = 0; i < bulk->batch->count; i++) {
		json_t *result = json_array_get(bulk->results, i);
		int code = bulk->batch->items[i].code;

		if (json_object_get(result, "code") != NULL)
			continue;
		if (code == SM_ENOENT && bulk->removes)
			code = 0;
		set_result(result, code,
		        code == 0           ? ""
		        : code == SM_EEXIST ? "the shard exists already"
		        : code == SM_ENOENT ? "there is no such service; add it first"
		                            : why);
	}
	if (error == SM_ENOENT && bulk->removes)
		error = 0;
	bulk->done(bulk->arg, error,
	        error == SM_ENOENT ? absent.text
	        : error != 0       ? why
	                           : "",
	        json_incref(bulk->results), revision);
	free_bulk(bulk);
}

static int make_key(struct bulk *bulk, const char *service, const char *shard, char **ret_key, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_SHARD_SPEC };
	char key[KEYS_BYTES];
	int error = keys_check(KEYS_PART_ID, "shardId", shard, why);

	if (error != 0)
		return error;
	strcpy(parts.service, service);
	strcpy(parts.shard, shard);
	error = keys_join(bulk->context->keys, &parts, key, why);
	if (error != 0)
		return error;
	*ret_key = strdup(key);
	return *ret_key == NULL ? why_set(why, SM_ENOMEM, "out of memory") : 0;
}

static int make_value(
        const char *service, const char *shard, const struct sync_args_shard *given, char **ret_value, struct why *why)
{
	struct record_shard record = { .id = (char *)shard,
		.service = (char *)service,
		.task = (char *)given->task,
		.pin = (char *)given->pin,
		.group = (char *)given->group,
		.worker_group = (char *)given->worker_group,
		.update_time = time(NULL) };

	*ret_value = records_shard_print(&record);
	return *ret_value == NULL ? why_set(why, SM_ENOMEM, "out of memory") : 0;
}

/* The id is borrowed from input and set as soon as it is known, also for a shard that is refused. */
static int make_item(struct bulk *bulk, const char *service, const json_t *input, struct sync_batch_item *item,
        const char **ret_id, struct why *why)
{
	struct sync_args_shard given;
	int error;

	if (bulk->removes) {
		if (!json_is_string(input))
			return why_set(why, SM_EINVAL, "a shard to delete must be a string, its id");
		*ret_id = json_string_value(input);
		return make_key(bulk, service, *ret_id, &item->key, why);
	}
	if (!json_is_object(input))
		return why_set(why, SM_EINVAL, "a shard to add must be an object with shardId");
	error = sync_args_id(input, "shardId", KEYS_PART_ID, ret_id, why);
	if (error == 0)
		error = sync_args_shard(input, &given, why);
	if (error == 0)
		error = make_key(bulk, service, *ret_id, &item->key, why);
	if (error == 0)
		error = make_value(service, *ret_id, &given, &item->value, why);
	return error;
}

static bool seen_before(struct sync_hash *table, struct seen *seen, const char *id)
{
	uint64_t hash = sync_hash_text(SYNC_HASH_START, id);

	for (struct sync_hash_node *node = sync_hash_first(table, hash); node != NULL; node = sync_hash_next(node))
		if (strcmp(SYNC_HASH_OF(node, struct seen, node)->id, id) == 0)
			return true;
	seen->id = id;
	return sync_hash_add(table, &seen->node, hash) != 0;
}

static int make_items(struct bulk *bulk, const char *service, const json_t *shards, struct why *why)
{
	size_t count = json_array_size(shards);
	struct seen *seen = calloc(count, sizeof(*seen));
	struct sync_hash table;

	if (seen == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	sync_hash_init(&table);
	for (size_t i = 0; i < count; i++) {
		struct sync_batch_item *item = &bulk->batch->items[i];
		struct why bad = { "the shard is named twice in this request" };
		const char *id = "";
		json_t *result = json_object();

		item->code = make_item(bulk, service, json_array_get(shards, i), item, &id, &bad);
		if (item->code == 0 && !bulk->removes && seen_before(&table, &seen[i], id))
			item->code = SM_EEXIST;
		json_array_append_new(bulk->results, result);
		json_object_set_new(result, "id", json_string(id));
		if (item->code != 0)
			set_result(result, item->code, bad.text);
	}
	sync_hash_done(&table);
	free(seen);
	return 0;
}

/* The fence: the service's spec, with its revision as the view has it. */
static int set_fence(struct bulk *bulk, const char *service, struct why *why)
{
	const struct view *view = view_writer_view(bulk->context->writer);
	uint32_t row = view_service_find(view, service);
	struct keys_parts parts = { .kind = KEYS_SERVICE_SPEC };
	struct view_service found;

	if (row != VIEW_NONE) {
		view_service_get(view, row, &found);
		bulk->batch->guess = found.spec_revision;
	}
	strcpy(parts.service, service);
	return keys_join(bulk->context->keys, &parts, bulk->batch->fence, why);
}

static int start(
        struct sync_context *context, const json_t *args, bool removes, sync_done_fn *done, void *arg, struct why *why)
{
	const json_t *shards = json_object_get(args, "shards");
	size_t count = json_array_size(shards);
	struct bulk *bulk;
	const char *service;
	int error = sync_args_service(context, args, &service, why);

	if (error != 0)
		return error;
	if (count == 0 || count > COMMAND_SHARDS)
		return why_set(why, SM_EINVAL, "shards must be a list of 1 to %d shards", COMMAND_SHARDS);
	bulk = calloc(1, sizeof(*bulk));
	if (bulk == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	*bulk = (struct bulk){ .context = context,
		.done = done,
		.arg = arg,
		.batch = sync_batch_new(count),
		.results = json_array(),
		.removes = removes };
	if (bulk->batch == NULL || bulk->results == NULL)
		error = why_set(why, SM_ENOMEM, "out of memory");
	if (error == 0)
		error = make_items(bulk, service, shards, why);
	if (error == 0)
		error = set_fence(bulk, service, why);
	if (error == 0)
		error = sync_batch_run(context, bulk->batch, on_batch, bulk);
	if (error != 0)
		free_bulk(bulk);
	return error;
}

int sync_ops_shards_add(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	return start(context, args, false, done, arg, why);
}

int sync_ops_shards_delete(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	return start(context, args, true, done, arg, why);
}
