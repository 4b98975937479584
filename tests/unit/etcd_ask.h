/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The etcd client's calls as tests want them: ask, run the loop until it is answered, look at the answer. What was answered is a copy.
 */
#ifndef ETCD_ASK_H
#define ETCD_ASK_H

#include "etcd/etcd.h"

#define ASK_KVS 4096
#define ASK_OPS 160

struct ask_kv {
	char key[64], value[64];
	int64_t create_revision, mod_revision, version, lease;
};

struct ask {
	struct event_base *base;
	struct etcd *etcd;
	/* The last answer */
	bool done;
	int calls, error;
	char why[512];
	struct etcd_header header;
	struct ask_kv kvs[ASK_KVS];
	size_t count, pages;
	int64_t revision, lease, ttl_s;
	bool succeeded;
	size_t op_count;
	struct {
		int64_t deleted;
		size_t kv_count, nested_count;
		bool nested_succeeded;
	} ops[ASK_OPS];
};

/* A client for these endpoints (ending with NULL); config's other members as given, NULL = defaults; on a loop of its own when base is
 * NULL, else taking base over. Fails the test when it cannot. */
struct ask *ask_new(struct event_base *base, const char *const *endpoints, const struct etcd_config *config);
void ask_free(struct ask *ask);

/* Runs the loop until *done; fails the test after 60 s. */
void ask_wait(struct ask *ask, const bool *done);
/* Runs the loop for so long. Only to see that something does NOT happen. */
void ask_idle(struct ask *ask, unsigned ms);

/* Each returns the error. */
int ask_get(struct ask *ask, const char *key);
int ask_list(struct ask *ask, const char *prefix, int64_t revision);
int ask_txn(struct ask *ask, struct etcd_txn *txn);
int ask_put(struct ask *ask, const char *key, const char *value, int64_t lease);
int ask_delete(struct ask *ask, const char *key);
int ask_grant(struct ask *ask, int64_t ttl_s);
int ask_keepalive(struct ask *ask, int64_t lease);
int ask_revoke(struct ask *ask, int64_t lease);

/* The callbacks, for calls that are not waited for at once; arg is the ask. */
void ask_on_range(void *arg, int error, const char *why, const struct etcd_range_result *result);
void ask_on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count);
void ask_on_list(void *arg, int error, const char *why, int64_t revision);
void ask_on_txn(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result);
void ask_on_lease(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s);
/* Forgets the last answer. */
void ask_clear(struct ask *ask);

/* Everything that a watch has said. */
struct ask_watch {
	struct ask_kv *events; /* a deleted one has version -1 */
	size_t count, room;
	size_t batches, alives, failures;
	int error; /* the last one */
	char why[512];
	struct etcd_header header; /* of the last sign of life */
	int64_t last_revision;
	bool ended, disordered;
	/* Sets done once this holds: */
	size_t wanted_events, wanted_alives, wanted_failures;
	bool wanted_end, done;
};
extern const struct etcd_watch_handler ask_watch_handler;
void ask_watch_done(struct ask_watch *watch);
/* Runs the loop until what is wanted has come. */
void ask_wait_watch(struct ask *ask, struct ask_watch *watch);

#endif
