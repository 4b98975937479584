/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * update-spec, update-shard: sets the fields that are given in the JSON that is there and keeps the others, those of which we know nothing
 * included. The key itself is the fence.
 */
#include "sync_args.h"
#include "sync_fenced.h"
#include "sync_ops.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct update {
	struct sync_context *context;
	sync_done_fn *done;
	void *arg;
	const char *what; /* for the text when it is absent */
	json_t *fields;   /* to set */
	bool stamp;       /* updateTime, too */
};

static void free_update(struct update *update)
{
	json_decref(update->fields);
	free(update);
}

/* 1: something differs and is set. */
static int set_fields(json_t *object, json_t *fields)
{
	const char *name;
	json_t *value;
	int changed = 0;

	json_object_foreach(fields, name, value) {
		if (json_equal(json_object_get(object, name), value))
			continue;
		if (json_object_set(object, name, value) != 0)
			return SM_ENOMEM;
		changed = 1;
	}
	return changed;
}

static int print_into(struct etcd_txn *txn, const char *key, const json_t *object, struct why *why)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	etcd_txn_put(txn, ETCD_THEN, key, text, strlen(text), 0);
	free(text);
	return 0;
}

static int build(void *arg, struct etcd_txn *txn, const struct etcd_kv *fence, struct why *why)
{
	struct update *update = arg;
	json_t *object = json_loadb(fence->value, fence->value_bytes, 0, NULL);
	int error;

	if (!json_is_object(object)) {
		json_decref(object);
		return why_set(why, SM_EPROTO, "%s: what etcd holds is not a JSON object; delete it and add it again",
		        fence->key);
	}
	error = set_fields(object, update->fields);
	if (error == 0)
		error = SYNC_FENCED_NOTHING;
	else if (error > 0)
		error = update->stamp ? json_object_set_new(object, "updateTime", json_integer(time(NULL))) : 0;
	if (error == 0)
		error = print_into(txn, fence->key, object, why);
	json_decref(object);
	return error;
}

static void on_done(
        void *arg, int error, const char *why, const struct etcd_txn_result *then, int64_t revision, bool repeated)
{
	struct update *update = arg;
	struct why absent;

	(void)repeated;
	if (error == SM_ENOENT) {
		why_set(&absent, 0, "there is no such %s", update->what);
		why = absent.text;
	}
	/* What is there already has this mod_revision, and comes through the watch. */
	if (error == 0 && then != NULL)
		revision = sync_context_revision(update->context, revision, true);
	update->done(update->arg, error, why, NULL, revision);
	free_update(update);
}

static const struct sync_fenced_calls calls = { build, on_done };

/* Takes fields over. */
static int start(struct sync_context *context, const struct keys_parts *parts, json_t *fields, sync_done_fn *done,
        void *arg, struct why *why)
{
	struct update *update = calloc(1, sizeof(*update));
	char key[KEYS_BYTES];
	int error;

	if (update == NULL || fields == NULL) {
		json_decref(fields);
		free(update);
		return why_set(why, SM_ENOMEM, "out of memory");
	}
	*update = (struct update){ .context = context,
		.done = done,
		.arg = arg,
		.what = parts->kind == KEYS_SHARD_SPEC ? "shard" : "service",
		.fields = fields,
		.stamp = parts->kind == KEYS_SHARD_SPEC };
	error = keys_join(context->keys, parts, key, why);
	if (error == 0)
		error = sync_fenced_start(context, key, 0, sync_context_deadline_ms(), &calls, update);
	if (error != 0)
		free_update(update);
	return error;
}

static int add_number(const json_t *args, const char *name, json_t *fields, struct why *why)
{
	int64_t number = 0;
	bool given;
	int error = sync_args_number(args, name, &number, &given, why);

	if (error == 0 && given && json_object_set_new(fields, name, json_integer(number)) != 0)
		return why_set(why, SM_ENOMEM, "out of memory");
	return error;
}

int sync_ops_update_spec(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_SERVICE_SPEC };
	const char *service;
	json_t *fields;
	int error = sync_args_service(context, args, &service, why);

	if (error != 0)
		return error;
	strcpy(parts.service, service);
	fields = json_object();
	error = add_number(args, "maxShardCount", fields, why);
	if (error == 0)
		error = add_number(args, "maxRecoveryTime", fields, why);
	if (error == 0)
		return start(context, &parts, fields, done, arg, why);
	json_decref(fields);
	return error;
}

static int add_text(json_t *fields, const char *name, const char *text, struct why *why)
{
	if (text != NULL && json_object_set_new(fields, name, json_string(text)) != 0)
		return why_set(why, SM_ENOMEM, "out of memory");
	return 0;
}

int sync_ops_update_shard(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_SHARD_SPEC };
	struct sync_args_shard given;
	const char *service, *shard;
	json_t *fields;
	int error = sync_args_service(context, args, &service, why);

	if (error == 0)
		error = sync_args_id(args, "shardId", KEYS_PART_ID, &shard, why);
	if (error == 0)
		error = sync_args_shard(args, &given, why);
	if (error != 0)
		return error;
	strcpy(parts.service, service);
	strcpy(parts.shard, shard);
	fields = json_object();
	error = add_text(fields, "task", given.task, why);
	if (error == 0)
		error = add_text(fields, "group", given.group, why);
	if (error == 0)
		error = add_text(fields, "workerGroup", given.worker_group, why);
	if (error == 0)
		error = add_text(fields, "manualContainerId", given.pin, why);
	if (error == 0)
		return start(context, &parts, fields, done, arg, why);
	json_decref(fields);
	return error;
}
