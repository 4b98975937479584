/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What an answer is compared with is what was known when its request was sent: answers overtake each other.
 */
#include "sync_store.h"

#include "../common/log.h"
#include "../common/records.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

struct sync_store {
	struct etcd *etcd;
	sync_store_fn *checked;
	void *arg;
	struct etcd_call *call;
	uint64_t incarnation, term;
	int64_t asked_revision;
	uint64_t asked_term;
	bool went_back;
	char key[KEYS_BYTES];
};

static void read_store(struct sync_store *store);

static void on_created(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct sync_store *store = arg;

	(void)header;
	(void)result;
	store->call = NULL;
	/* An unknown outcome needs no settling: should it arrive late, it finds the key there. */
	if (error != 0)
		store->checked(store->arg, SYNC_STORE_AWAY, 0, NULL, why);
	else
		read_store(store);
}

/* With the incarnation that the view knows, so that tokens never become smaller. */
static void create_store(struct sync_store *store)
{
	char *value = records_store_print(store->incarnation != 0 ? store->incarnation : 1);
	struct etcd_txn *txn = etcd_txn_new();

	if (value == NULL || txn == NULL)
		fatalx("out of memory for P/store");
	etcd_txn_if_create_revision(txn, store->key, 0);
	etcd_txn_put(txn, ETCD_THEN, store->key, value, strlen(value), 0);
	free(value);
	store->call = etcd_txn_send(store->etcd, txn, on_created, store);
	if (store->call == NULL)
		fatalx("out of memory for P/store");
}

static void decide(
        struct sync_store *store, const struct etcd_header *header, uint64_t incarnation, const struct etcd_kv *kv)
{
	struct why why;

	if (incarnation > store->incarnation) {
		store->went_back = false;
		store->term = header->raft_term;
		store->checked(store->arg, SYNC_STORE_RAISED, incarnation, kv, NULL);
		return;
	}
	if (store->went_back || incarnation < store->incarnation || header->revision < store->asked_revision ||
	        header->raft_term < store->asked_term) {
		store->went_back = true;
		why_set(&why, 0,
		        "revision %lld after %lld, raft term %llu after %llu, store incarnation %llu after %llu; was "
		        "it "
		        "restored from a backup? Raise the incarnation in %s above %llu (smctl store restored)",
		        (long long)header->revision, (long long)store->asked_revision,
		        (unsigned long long)header->raft_term, (unsigned long long)store->asked_term,
		        (unsigned long long)incarnation, (unsigned long long)store->incarnation, store->key,
		        (unsigned long long)store->incarnation);
		store->checked(store->arg, SYNC_STORE_WENT_BACK, incarnation, NULL, why.text);
		return;
	}
	if (header->raft_term > store->term)
		store->term = header->raft_term;
	store->checked(store->arg, SYNC_STORE_SAME, incarnation, kv, NULL);
}

static void on_read(void *arg, int error, const char *text, const struct etcd_range_result *result)
{
	struct sync_store *store = arg;
	uint64_t incarnation = 0;
	struct why why, reason = { "it is 0" };

	store->call = NULL;
	if (error != 0) {
		store->checked(store->arg, SYNC_STORE_AWAY, 0, NULL, text);
		return;
	}
	if (result->count == 0) {
		create_store(store);
		return;
	}
	error = records_store_parse(result->kvs[0].value, result->kvs[0].value_bytes, &incarnation, &reason);
	if (error == 0 && incarnation != 0) {
		decide(store, &result->header, incarnation, &result->kvs[0]);
		return;
	}
	why_set(&why, 0, "%s must hold {\"incarnation\":n}, n from 1 to 65535 and at least %llu: %s", store->key,
	        (unsigned long long)store->incarnation, reason.text);
	store->checked(store->arg, SYNC_STORE_MALFORMED, 0, NULL, why.text);
}

static void read_store(struct sync_store *store)
{
	store->asked_term = store->term;
	store->call = etcd_get(store->etcd, store->key, on_read, store);
	if (store->call == NULL)
		fatalx("out of memory for P/store");
}

void sync_store_check(struct sync_store *store, int64_t revision)
{
	if (store->call != NULL)
		return;
	store->asked_revision = revision;
	read_store(store);
}

void sync_store_cancel(struct sync_store *store)
{
	if (store->call != NULL)
		etcd_cancel(store->call);
	store->call = NULL;
}

bool sync_store_suspects(struct sync_store *store, const struct etcd_header *header, int64_t revision)
{
	bool older = header->revision < revision || header->raft_term < store->term;

	if (header->raft_term > store->term)
		store->term = header->raft_term;
	return older;
}

void sync_store_accept(struct sync_store *store, uint64_t incarnation)
{
	store->incarnation = incarnation;
}

uint64_t sync_store_incarnation(const struct sync_store *store)
{
	return store->incarnation;
}

bool sync_store_went_back(const struct sync_store *store)
{
	return store->went_back;
}

struct sync_store *sync_store_new(
        struct etcd *etcd, const struct keys *keys, uint64_t incarnation, sync_store_fn *checked, void *arg)
{
	struct sync_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->etcd = etcd;
	store->checked = checked;
	store->arg = arg;
	store->incarnation = incarnation;
	if (keys_join(keys, &(struct keys_parts){ .kind = KEYS_STORE }, store->key, NULL) != 0) {
		free(store);
		return NULL;
	}
	return store;
}

void sync_store_free(struct sync_store *store)
{
	if (store == NULL)
		return;
	sync_store_cancel(store);
	free(store);
}
