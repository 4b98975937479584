/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * etcd v3 as sync and libshardmgr need it: range, paged list at one revision, transactions, leases, watches; asynchronous on a libevent
 * loop. The transport (today etcd's JSON gateway through libcurl) does not show here, so that native gRPC can take its place.
 *
 * Callbacks run from the event loop, never from inside the call that started them, exactly once per call (watches: as said there); they may
 * start and cancel calls, and free the client. A call that returns NULL is out of memory and calls nobody. Whatever is passed to a callback
 * is valid only until it returns. Arguments of calls are copied. Single-threaded. With https the thread must block or ignore SIGPIPE.
 *
 * Errors given to callbacks:
 *     SM_EUNAVAILABLE  no endpoint took the request: certainly not executed
 *     SM_EUNKNOWN      sent, no answer that tells: it may have been executed, or may still be. Reads and keepalives never end like this
 *                      (they are repeated on the next endpoint, then SM_EUNAVAILABLE); a transaction is never repeated here
 *     SM_EREFUSED      etcd said no: certainly not executed (permission, space, too large)
 *     SM_ENOENT        the lease does not exist: of a keepalive, and of a transaction that puts with it (certainly not executed)
 *     SM_ECOMPACTED    the revision asked for is gone
 *     SM_EPROTO        an answer that makes no sense
 */
#ifndef ETCD_H
#define ETCD_H

#include "../common/why.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etcd;
struct etcd_call;

struct etcd_config {
	const char *const *
	        endpoints; /* host:port, http://…, https://…, unix:///path/to/socket (a client:1 in the path's last part is just
	                                 its name) */
	size_t endpoint_count;
	const char *username, *password;            /* NULL = no authentication */
	const char *ca_file, *cert_file, *key_file; /* NULL = the system's / none */
	/* Plain HTTP has nothing that ties an answer to its request but the order on the connection: what sits between, and delivers an answer
	 * twice, makes it pass for the answer to the next request. true: each unary request has a connection of its own, except over TLS,
	 * which notices. For requests whose answers prove something. */
	bool separate_connections;
	unsigned timeout_ms;  /* of one try of a unary request; 0 = 5000 */
	unsigned connections; /* most unary requests at a time, the rest queue here; 0 = 4. Watches have their own */
	unsigned watch_interval_ms; /* between two questions for a sign of life on a watch; 0 = 2000 */
	unsigned watch_patience_ms; /* how long that may take until another endpoint is asked; 0 = 3000 */
};

/* Nothing is sent before the first call. The loop must outlive the client. */
int etcd_new(struct event_base *base, const struct etcd_config *config, struct etcd **ret_etcd, struct why *why);
/* Cancels everything without calling back, and closes the watches; NULL is fine. A transaction under way then has an unknown outcome. */
void etcd_free(struct etcd *etcd);
/* Ends one call without calling back. */
void etcd_cancel(struct etcd_call *call);

struct etcd_header {
	int64_t revision;
	uint64_t raft_term, cluster_id, member_id;
};

struct etcd_kv {
	const char *key; /* terminated, too */
	size_t key_bytes;
	const char *value; /* terminated, too */
	size_t value_bytes;
	int64_t create_revision, mod_revision, version, lease;
};

/* The end of the range of all keys with this prefix: the prefix with its last byte + 1. ret_end holds prefix_bytes + 1. */
void etcd_prefix_end(const char *prefix, char *ret_end);

/* ---- range: always a quorum read, never serializable ---- */
struct etcd_range_result {
	struct etcd_header header;
	const struct etcd_kv *kvs;
	size_t count; /* in kvs */
	bool more;    /* of a page: there are more */
};
typedef void etcd_range_fn(void *arg, int error, const char *why, const struct etcd_range_result *result);
struct etcd_call *etcd_get(struct etcd *etcd, const char *key, etcd_range_fn *done, void *arg);

/* Every key with the prefix, in key order, in pages, all at one revision: revision, or the newest when 0. page is called with parts
 * of the answer (header.revision is the pinned one in each), done once at the end, with the pinned revision. SM_ECOMPACTED when it was
 * compacted meanwhile. */
typedef void etcd_list_page_fn(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count);
typedef void etcd_list_done_fn(void *arg, int error, const char *why, int64_t revision);
struct etcd_call *etcd_list(struct etcd *etcd, const char *prefix, int64_t revision, etcd_list_page_fn *page,
        etcd_list_done_fn *done, void *arg);

/* ---- transactions ---- */
#define ETCD_TXN_OPERATIONS                                                                                            \
	128 /* etcd's limit per branch, and for compares; N operations outside leave 128 - N inside each nested one */
#define ETCD_TXN_NESTED 127                /* nested transactions of one operation per branch that fit in one */
#define ETCD_TXN_NESTED_TWO 126            /* of two */
#define ETCD_REQUEST_BYTES (1400u * 1024u) /* below etcd's 1.5 MiB, encoding aside */

struct etcd_txn;
/* Builders keep an out-of-memory condition and etcd_txn_send reports it. */
struct etcd_txn *etcd_txn_new(void);
void etcd_txn_free(struct etcd_txn *txn); /* NULL is fine; one that was sent or nested is freed by that */
void etcd_txn_if_create_revision(struct etcd_txn *txn, const char *key, int64_t revision); /* 0: absent */
void etcd_txn_if_mod_revision(struct etcd_txn *txn, const char *key, int64_t revision);    /* 0: absent */
void etcd_txn_if_value(struct etcd_txn *txn, const char *key, const char *value);
/* No key with this prefix has this create_revision. */
void etcd_txn_if_none_created_at(struct etcd_txn *txn, const char *prefix, int64_t revision);
/* No key with this prefix exists. */
void etcd_txn_if_none(struct etcd_txn *txn, const char *prefix);
/* The same, but the key that is the prefix itself may exist. */
void etcd_txn_if_none_below(struct etcd_txn *txn, const char *prefix);
enum etcd_branch { ETCD_THEN, ETCD_ELSE };
void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *value, size_t value_bytes,
        int64_t lease); /* lease 0 = none */
void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key);
void etcd_txn_delete_prefix(
        struct etcd_txn *txn, enum etcd_branch branch, const char *prefix); /* assert: it ends in '/' */
void etcd_txn_get(struct etcd_txn *txn, enum etcd_branch branch, const char *key);
void etcd_txn_get_prefix(struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t limit);
void etcd_txn_nest(struct etcd_txn *txn, enum etcd_branch branch, struct etcd_txn *nested); /* takes nested over */
size_t etcd_txn_bytes(const struct etcd_txn *txn); /* of the request so far, as counted against ETCD_REQUEST_BYTES */

struct etcd_op_result;
struct etcd_txn_result {
	bool succeeded;
	size_t count; /* of the branch that was taken */
	const struct etcd_op_result *ops;
};
struct etcd_op_result {
	int64_t deleted;     /* delete */
	struct etcd_kv *kvs; /* get */
	size_t kv_count;
	struct etcd_txn_result nested; /* nest */
};
typedef void etcd_txn_fn(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result);
/* Sends once and takes txn over. SM_EUNKNOWN: settle it by a write that compares and changes mod_revision, or finds it changed. SM_EINVAL:
 * over a limit above. */
struct etcd_call *etcd_txn_send(struct etcd *etcd, struct etcd_txn *txn, etcd_txn_fn *done, void *arg);

/* ---- leases: they detect failures, they prove nothing ---- */
typedef void etcd_lease_fn(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s);
struct etcd_call *etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, etcd_lease_fn *done,
        void *arg); /* SM_EUNKNOWN: a lease that nobody knows; it expires */
struct etcd_call *etcd_lease_keepalive(
        struct etcd *etcd, int64_t lease, etcd_lease_fn *done, void *arg); /* SM_ENOENT: the lease is gone */
struct etcd_call *etcd_lease_revoke(
        struct etcd *etcd, int64_t lease, etcd_lease_fn *done, void *arg); /* SM_ENOENT counts as done */

/* ---- watch: everything under a prefix, from a revision on ----
 * Goes on over endpoint failures by itself, from the first revision not yet delivered. Every interval it asks for a sign of life and moves
 * to another endpoint when none comes. Between created and the first events nothing is lost. */
struct etcd_event {
	bool deleted; /* kv then has key and mod_revision only */
	struct etcd_kv kv;
};
struct etcd_watch_handler {
	/* All events of one or more whole revisions, in order; header_revision: the last of them. */
	void (*events)(void *arg, int64_t header_revision, const struct etcd_event *events, size_t count);
	/* The stream is alive and was created (again): at this moment the answering member had seen header_revision. A sign of life, not a
	 * resume point. */
	void (*alive)(void *arg, const struct etcd_header *header);
	/* SM_ECOMPACTED (what comes next was compacted, be it only its first revision: list again, watch anew), SM_EREFUSED, SM_EINVAL:
	 * it has ended, and is freed by the callee with etcd_watch_close.
	 * SM_EUNAVAILABLE: only a report, it goes on trying. */
	void (*failed)(void *arg, int error, const char *why);
};
struct etcd_watch;
struct etcd_watch *etcd_watch_open(struct etcd *etcd, const char *prefix, int64_t start_revision,
        const struct etcd_watch_handler *handler, void *arg);
void etcd_watch_close(struct etcd_watch *watch);

#endif
