/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Transactions under way in a list, each with copies of its claims.
 */
#include "sync_free_send.h"

#include "../common/log.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

struct batch {
	struct batch *next, **at;
	struct sync_free_send *send;
	struct etcd_call *call;
	size_t count;
	struct sync_free_claim claims[];
};

struct sync_free_send {
	struct etcd *etcd;
	const struct keys *keys;
	sync_free_sent_fn *sent;
	void *arg;
	struct batch *batches;
	size_t count;
};

static void free_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		free((char *)batch->claims[i].service);
		free((char *)batch->claims[i].shard);
		free((char *)batch->claims[i].container);
	}
	free(batch);
}

static struct batch *copy_batch(struct sync_free_send *send, const struct sync_free_claim *claims, size_t count)
{
	struct batch *batch = calloc(1, sizeof(*batch) + count * sizeof(*claims));

	if (batch == NULL)
		return NULL;
	batch->send = send;
	for (; batch->count < count; batch->count++) {
		struct sync_free_claim *copy = &batch->claims[batch->count];

		*copy = claims[batch->count];
		copy->service = strdup(copy->service);
		copy->shard = strdup(copy->shard);
		copy->container = strdup(copy->container);
		if (copy->service == NULL || copy->shard == NULL || copy->container == NULL) {
			batch->count++;
			free_batch(batch);
			return NULL;
		}
	}
	return batch;
}

static void finish(struct batch *batch, bool answered)
{
	struct sync_free_send *send = batch->send;

	*batch->at = batch->next;
	if (batch->next != NULL)
		batch->next->at = batch->at;
	send->count--;
	send->sent(send->arg, batch->claims, batch->count, answered);
	free_batch(batch);
}

static void on_txn(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct batch *batch = arg;
	size_t freed = 0;

	(void)header;
	if (error != 0) {
		log_warning("freeing %zu claims: %s; trying again", batch->count, why);
		finish(batch, false);
		return;
	}
	if (!result->succeeded) {
		log_warning("freeing %zu claims: the store incarnation has changed; trying again", batch->count);
		finish(batch, false);
		return;
	}
	for (size_t i = 0; i < result->count; i++)
		freed += result->ops[i].nested.succeeded;
	log_info("freed %zu claims whose container is gone; %zu had changed", freed, batch->count - freed);
	finish(batch, true);
}

static int add_claim(const struct keys *keys, struct etcd_txn *txn, const struct sync_free_claim *claim)
{
	struct keys_parts parts = { .kind = KEYS_CLAIM, .replica = claim->replica };
	char key[KEYS_BYTES], sessions[KEYS_BYTES];
	struct etcd_txn *nested;

	if (strlen(claim->service) > KEYS_ID_BYTES || strlen(claim->shard) > KEYS_ID_BYTES)
		return SM_EINVAL;
	strcpy(parts.service, claim->service);
	strcpy(parts.shard, claim->shard);
	if (keys_join(keys, &parts, key, NULL) != 0 || keys_join_prefix(keys, KEYS_PREFIX_CONTAINER_SESSIONS,
	                                                       claim->service, claim->container, sessions, NULL) != 0)
		return SM_EINVAL;
	nested = etcd_txn_new();
	if (nested == NULL)
		return SM_ENOMEM;
	etcd_txn_if_mod_revision(nested, key, claim->mod_revision);
	etcd_txn_if_none_created_at(nested, sessions, claim->incarnation);
	etcd_txn_delete(nested, ETCD_THEN, key);
	etcd_txn_nest(txn, ETCD_THEN, nested);
	return 0;
}

static struct etcd_txn *build(
        const struct keys *keys, const char *store_value, const struct sync_free_claim *claims, size_t count)
{
	struct etcd_txn *txn = etcd_txn_new();
	char key[KEYS_BYTES];
	int error = keys_join(keys, &(struct keys_parts){ .kind = KEYS_STORE }, key, NULL);

	if (txn == NULL || error != 0) {
		etcd_txn_free(txn);
		return NULL;
	}
	etcd_txn_if_value(txn, key, store_value);
	for (size_t i = 0; i < count && error == 0; i++)
		error = add_claim(keys, txn, &claims[i]);
	if (error != 0) {
		etcd_txn_free(txn);
		return NULL;
	}
	return txn;
}

int sync_free_send(
        struct sync_free_send *send, const char *store_value, const struct sync_free_claim *claims, size_t count)
{
	struct batch *batch = copy_batch(send, claims, count);
	struct etcd_txn *txn = batch == NULL ? NULL : build(send->keys, store_value, claims, count);

	if (txn == NULL) {
		if (batch != NULL)
			free_batch(batch);
		return SM_ENOMEM;
	}
	batch->next = send->batches;
	batch->at = &send->batches;
	if (batch->next != NULL)
		batch->next->at = &batch->next;
	send->batches = batch;
	send->count++;
	batch->call = etcd_txn_send(send->etcd, txn, on_txn, batch);
	if (batch->call == NULL)
		fatalx("out of memory for a transaction");
	return 0;
}

size_t sync_free_send_count(const struct sync_free_send *send)
{
	return send->count;
}

struct sync_free_send *sync_free_send_new(
        struct etcd *etcd, const struct keys *keys, sync_free_sent_fn *sent, void *arg)
{
	struct sync_free_send *send = calloc(1, sizeof(*send));

	if (send == NULL)
		return NULL;
	*send = (struct sync_free_send){ .etcd = etcd, .keys = keys, .sent = sent, .arg = arg };
	return send;
}

void sync_free_send_free(struct sync_free_send *send)
{
	if (send == NULL)
		return;
	for (struct batch *batch = send->batches, *next; batch != NULL; batch = next) {
		next = batch->next;
		etcd_cancel(batch->call);
		free_batch(batch);
	}
	free(send);
}
