/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * add-spec, del-spec. Their fence is the manager's own spec: a service's spec cannot fence its own creation.
 */
#include "../common/records.h"
#include "sync_args.h"
#include "sync_fenced.h"
#include "sync_governed.h"
#include "sync_ops.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct change {
	struct sync_context *context;
	sync_done_fn *done;
	void *arg;
	int64_t max_shard_count, max_recovery_time_s;
	char service[KEYS_ID_BYTES + 1], key[KEYS_BYTES]; /* of the service's spec */
};

/* ---- add ---- */

static int put_spec(const struct change *change, struct etcd_txn *txn, struct why *why)
{
	struct record_service record = { .service = (char *)change->service,
		.create_time = time(NULL),
		.max_shard_count = change->max_shard_count,
		.max_recovery_time_s = change->max_recovery_time_s };
	char *value = records_service_print(&record);

	if (value == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	etcd_txn_put(txn, ETCD_THEN, change->key, value, strlen(value), 0);
	free(value);
	return 0;
}

static int build_add(void *arg, struct etcd_txn *txn, const struct etcd_kv *fence, struct why *why)
{
	struct change *change = arg;
	const struct keys *keys = change->context->keys;
	struct etcd_txn *nested = etcd_txn_new();
	char deleted[KEYS_BYTES];
	int error = sync_governed_key(keys, KEYS_DELETED, change->service, deleted, why);

	(void)fence;
	etcd_txn_if_create_revision(nested, change->key, 0);
	if (error == 0)
		error = put_spec(change, nested, why);
	if (error == 0)
		error = sync_governed_put_place(keys, nested, ETCD_THEN, change->service, why);
	if (error == 0)
		error = sync_governed_put_shard(keys, nested, ETCD_THEN, change->service, why);
	if (error == 0)
		etcd_txn_delete(nested, ETCD_THEN, deleted);
	etcd_txn_get(nested, ETCD_ELSE, change->key);
	etcd_txn_nest(txn, ETCD_THEN, nested);
	return error;
}

/* ---- delete ---- */

static int delete_config(const struct change *change, struct etcd_txn *txn, enum etcd_branch branch, struct why *why)
{
	const struct keys *keys = change->context->keys;
	struct keys_parts parts = { .kind = KEYS_SHARD_SPEC };
	char prefix[KEYS_BYTES], key[KEYS_BYTES];
	int error = keys_join_prefix(keys, KEYS_PREFIX_SERVICE_CONFIG, change->service, NULL, prefix, why);

	strcpy(parts.service, keys->manager);
	strcpy(parts.shard, change->service);
	if (error == 0)
		error = keys_join(keys, &parts, key, why);
	if (error != 0)
		return error;
	etcd_txn_delete_prefix(txn, branch, prefix);
	etcd_txn_delete(txn, branch, key);
	return 0;
}

/* Only of a service that has a spec is the state swept: other managers' services live under the same prefix. */
static int build_delete(void *arg, struct etcd_txn *txn, const struct etcd_kv *fence, struct why *why)
{
	struct change *change = arg;
	struct etcd_txn *nested = etcd_txn_new();
	int error;

	(void)fence;
	etcd_txn_if_create_revision(nested, change->key, 0);
	error = delete_config(change, nested, ETCD_THEN, why);
	if (error == 0)
		error = delete_config(change, nested, ETCD_ELSE, why);
	if (error == 0)
		error = sync_governed_sweep(change->context->keys, nested, ETCD_ELSE, change->service, true, why);
	etcd_txn_nest(txn, ETCD_THEN, nested);
	return error;
}

/* ---- both ---- */

static void finish(struct change *change, int error, const char *why, int64_t revision)
{
	/* The fence is missing, not the service. */
	if (error == SM_ENOENT) {
		error = SM_EUNAVAILABLE;
		why = "the manager's own spec is not in etcd yet; try again";
	}
	change->done(change->arg, error, why, NULL, revision);
	free(change);
}

/* What others wrote there may be no spec: the view has no such service, and none was added. */
static int check_existing(const struct change *change, const struct etcd_kv *kv, struct why *why)
{
	struct record_service record;
	struct why inner;

	if (records_service_parse(kv->value, kv->value_bytes, &record, &inner) != 0)
		return why_set(why, SM_EREFUSED, "%s: what etcd holds is no spec (%s); delete it and add it again",
		        change->key, inner.text);
	records_service_done(&record);
	return 0;
}

static void on_added(
        void *arg, int error, const char *why, const struct etcd_txn_result *then, int64_t revision, bool repeated)
{
	struct change *change = arg;
	const struct etcd_txn_result *nested = error == 0 ? &then->ops[0].nested : NULL;

	struct why reason;

	(void)repeated;
	if (nested != NULL && nested->succeeded) {
		revision = sync_context_revision(change->context, revision, true);
	} else if (nested != NULL && nested->ops[0].kv_count == 1) {
		revision = nested->ops[0].kvs[0].mod_revision; /* the one that exists, which the view must show */
		error = check_existing(change, &nested->ops[0].kvs[0], &reason);
		why = error == 0 ? why : reason.text;
	}
	finish(change, error, why, revision);
}

static void on_deleted(
        void *arg, int error, const char *why, const struct etcd_txn_result *then, int64_t revision, bool repeated)
{
	struct change *change = arg;
	const struct etcd_op_result *removed = error == 0 ? then->ops[0].nested.ops : NULL;

	(void)repeated;
	if (removed != NULL)
		revision = sync_context_revision(
		        change->context, revision, removed[0].deleted > 0 || removed[1].deleted > 0);
	finish(change, error, why, revision);
}

static const struct sync_fenced_calls add_calls = { build_add, on_added };
static const struct sync_fenced_calls delete_calls = { build_delete, on_deleted };

static int start(struct sync_context *context, const struct change *wanted, const struct sync_fenced_calls *calls,
        struct why *why)
{
	struct change *change = malloc(sizeof(*change));
	char fence[KEYS_BYTES];
	int error = sync_governed_key(context->keys, KEYS_SERVICE_SPEC, context->keys->manager, fence, why);

	if (change == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	*change = *wanted;
	change->context = context;
	if (error == 0)
		error = sync_governed_key(context->keys, KEYS_SERVICE_SPEC, change->service, change->key, why);
	if (error == 0)
		error = sync_fenced_start(context, fence, 0, sync_context_deadline_ms(), calls, change);
	if (error != 0)
		free(change);
	return error;
}

int sync_ops_spec_add(struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	struct change wanted = { .done = done, .arg = arg };
	const char *service;
	bool given;
	int error = sync_args_service(context, args, &service, why);

	if (error == 0)
		error = sync_args_number(args, "maxShardCount", &wanted.max_shard_count, &given, why);
	if (error == 0)
		error = sync_args_number(args, "maxRecoveryTime", &wanted.max_recovery_time_s, &given, why);
	if (error != 0)
		return error;
	strcpy(wanted.service, service);
	return start(context, &wanted, &add_calls, why);
}

int sync_ops_spec_delete(
        struct sync_context *context, const json_t *args, sync_done_fn *done, void *arg, struct why *why)
{
	struct change wanted = { .done = done, .arg = arg };
	const char *service;
	int error = sync_args_service(context, args, &service, why);

	if (error != 0)
		return error;
	strcpy(wanted.service, service);
	return start(context, &wanted, &delete_calls, why);
}
