/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "sync_governed.h"

#include "../common/records.h"

#include <shardmgr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int sync_governed_key(const struct keys *keys, enum keys_kind kind, const char *service, char *ret_key, struct why *why)
{
	struct keys_parts parts = { .kind = kind };

	snprintf(parts.service, sizeof(parts.service), "%s", service);
	return keys_join(keys, &parts, ret_key, why);
}

int sync_governed_put_place(
        const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service, struct why *why)
{
	char key[KEYS_BYTES];
	int error = sync_governed_key(keys, KEYS_HEARTBEATS, service, key, why);

	if (error == 0)
		etcd_txn_put(txn, branch, key, "", 0, 0);
	return error;
}

int sync_governed_put_shard(
        const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_SHARD_SPEC };
	char key[KEYS_BYTES], task[KEYS_ID_BYTES + 32], *value;
	struct record_shard record = {
		.id = (char *)service, .service = (char *)keys->manager, .task = task, .update_time = time(NULL)
	};
	int error;

	strcpy(parts.service, keys->manager);
	snprintf(parts.shard, sizeof(parts.shard), "%s", service);
	error = keys_join(keys, &parts, key, why);
	if (error != 0)
		return error;
	/* Ids need no quoting in JSON. */
	snprintf(task, sizeof(task), "{\"governedService\":\"%s\"}", service);
	value = records_shard_print(&record);
	if (value == NULL)
		return why_set(why, SM_ENOMEM, "out of memory");
	etcd_txn_put(txn, branch, key, value, strlen(value), 0);
	free(value);
	return 0;
}

static int put_mark(const struct keys *keys, struct etcd_txn *txn, const char *service, struct why *why)
{
	char key[KEYS_BYTES], value[64];
	int error = sync_governed_key(keys, KEYS_DELETED, service, key, why);

	if (error != 0)
		return error;
	snprintf(value, sizeof(value), "{\"since\":%lld}", (long long)time(NULL));
	etcd_txn_put(txn, ETCD_ELSE, key, value, strlen(value), 0);
	return 0;
}

int sync_governed_sweep(const struct keys *keys, struct etcd_txn *txn, enum etcd_branch branch, const char *service,
        bool mark, struct why *why)
{
	char sessions[KEYS_BYTES], claims[KEYS_BYTES], managed[KEYS_BYTES], state[KEYS_BYTES], deleted[KEYS_BYTES];
	struct etcd_txn *nested;
	int error = keys_join_prefix(keys, KEYS_PREFIX_SESSIONS, service, NULL, sessions, why);

	if (error == 0)
		error = keys_join_prefix(keys, KEYS_PREFIX_CLAIMS, service, NULL, claims, why);
	if (error == 0)
		error = keys_join_prefix(keys, KEYS_PREFIX_MANAGED, service, NULL, managed, why);
	if (error == 0)
		error = keys_join_prefix(keys, KEYS_PREFIX_SERVICE_STATE, service, NULL, state, why);
	if (error == 0)
		error = sync_governed_key(keys, KEYS_DELETED, service, deleted, why);
	if (error != 0)
		return error;
	nested = etcd_txn_new();
	etcd_txn_if_none_below(nested, sessions);
	etcd_txn_if_none(nested, claims);
	etcd_txn_if_none(nested, managed);
	etcd_txn_delete_prefix(nested, ETCD_THEN, state);
	etcd_txn_delete(nested, ETCD_THEN, deleted);
	if (mark)
		error = put_mark(keys, nested, service, why);
	etcd_txn_nest(txn, branch, nested);
	return error;
}
