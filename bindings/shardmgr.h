/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * libshardmgr: the one public header.
 *
 * A container is a process that carries shards of a service. The manager (smd) asks it over HTTP to add and to drop
 * shards; this library serves those requests, keeps the container's session and claims in etcd, and hands the
 * application a queue of events with a pollable file descriptor. It never calls the application: no callback, no signal
 * handler, nothing on stderr. All its work happens on one I/O thread of its own.
 *
 *     struct sm_options *o = sm_options_new();
 *     sm_options_set(o, "service", "mirror");  sm_options_set(o, "id", "127.0.0.1:0");
 *     sm_container_open(o, &c);  sm_options_free(o);
 *     while (sm_container_next(c, -1, &e) == 0) { ...; sm_container_ack(c, sm_event_sequence(e), NULL); sm_event_free(e); }
 *     sm_container_close(c, 2000);
 *
 * Conventions. A function that can fail returns 0 or a negative enum sm_error; outputs come last and are untouched on
 * failure. Handles are opaque, and not NULL where nothing else is said. Strings are UTF-8 and NUL-terminated; those that a function
 * returns belong to the object they came from and live as long as it does, unless the function says otherwise. Functions on one handle may be called from any thread;
 * sm_*_close and sm_*_free by exactly one, after all others have returned. After fork the child owns nothing: every
 * function answers SM_EFORKED there, sm_shard_held answers 0, and only sm_*_free and sm_*_close do something (free memory).
 */
#ifndef SHARDMGR_H
#define SHARDMGR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What can go wrong. The texts of sm_error_text() are stable; the numbers are part of the ABI. */
enum sm_error {
	SM_OK = 0,
	SM_EINVAL = -1,       /* an argument or an input is wrong; the why-text says what, where and what to do */
	SM_ENOMEM = -2,       /* out of memory */
	SM_ESYSTEM = -3,      /* a system call failed; the why-text names it */
	SM_ENOENT = -4,       /* no such thing */
	SM_EEXIST = -5,       /* it exists already */
	SM_ECONFLICT = -6,    /* somebody else changed it first; nothing was done */
	SM_EUNAVAILABLE = -7, /* nobody could be reached; nothing was done */
	SM_EUNKNOWN = -8,     /* sent, but the answer was lost: it may have happened, or may still happen */
	SM_EREFUSED = -9,     /* the other side said no (permission, quota, limits); nothing was done */
	SM_ETIMEDOUT = -10,   /* the time that the caller gave is over */
	SM_ECOMPACTED = -11,  /* that revision of the store is gone; list again */
	SM_EVERSION = -12,    /* written by an incompatible version */
	SM_ELAGGED = -13,     /* fell behind the change ring; read everything again */
	SM_ECLOSED = -14,     /* the object was closed, or is closing */
	SM_EPROTO = -15,      /* the other side broke the protocol */
	SM_EFORKED = -16,     /* called in a forked child of the process that opened the handle */
	SM_ENOTSUP = -17      /* this version cannot do it yet */
};

/* One line for an error code; never NULL, static storage. */
const char *sm_error_text(int error);

/* The library's version, "major.minor.patch"; static storage. */
const char *sm_version(void);

/* ---- options -------------------------------------------------------------------------------------------------- */

struct sm_options;

/* NULL when out of memory. */
struct sm_options *sm_options_new(void);
void sm_options_free(struct sm_options *options);

/* Sets one option; both strings are copied. Names and defaults:
 *   service       which service this container carries shards of; required
 *   id            host:port where the manager reaches this container, and its name in the cluster; required. Port 0 = any
 *                 free port: sm_container_id() tells which
 *   listen        address:port to bind instead of the one in id (behind NAT, in a pod); default: id
 *   endpoints     etcd's, comma separated: host:port, http://host:port, https://host:port or unix:///path; default 127.0.0.1:2379
 *   prefix        the etcd prefix of the cluster (smd's etcdPrefix); default /sm
 *   ttl           session time to live in s, 2 to 600; default 5. After a crash the shards wait about twice this long
 *   labels        key=value,key=value: failure domains and the like, shown to the planner
 *   username, password, cacert, cert, key    for etcd with authentication or TLS
 * SM_EINVAL for an unknown name (sm_options_error names the nearest one) or a value that does not parse. */
int sm_options_set(struct sm_options *options, const char *name, const char *value);

/* What was wrong with the last sm_options_set or sm_container_open that failed with these options: what, where, what to do. "" if nothing.
 */
const char *sm_options_error(const struct sm_options *options);

/* ---- container ------------------------------------------------------------------------------------------------ */

struct sm_container;

enum sm_state {
	SM_STATE_OPENING = 1, /* no session yet: etcd is away, or the id is still held by another process */
	SM_STATE_OPEN = 2,    /* registered; the manager may send shards */
	SM_STATE_SUSPENDED =
	        3, /* the deadline passed without a proof: every sm_shard_held is 0 until etcd answers again */
	SM_STATE_STOPPING = 4, /* sm_container_stop was called, shards are being dropped */
	SM_STATE_STOPPED = 5,  /* all released, session revoked; sm_container_next answers SM_ECLOSED */
	SM_STATE_FAILED = 6    /* cannot go on (id taken for 2 TTL, and the like); sm_container_error says why */
};

/* Checks the options, binds the port, starts the I/O thread and returns; the session is opened in the background
 * (sm_container_wait). Options may be freed afterwards. SM_EINVAL: options; SM_ESYSTEM: port taken, no thread, no descriptor. */
int sm_container_open(struct sm_options *options, struct sm_container **ret_container);

/* Waits until the container is registered. SM_ETIMEDOUT after timeout_ms (-1: no limit), SM_ECLOSED when stopping,
 * else the reason why it failed. Blocks. */
int sm_container_wait(struct sm_container *container, int timeout_ms);

/* Its id with the real port; valid until close. */
const char *sm_container_id(const struct sm_container *container);
enum sm_state sm_container_state(const struct sm_container *container);

/* Copies the last trouble (etcd away since …, id held by …) into text, "" if none; always terminated. */
void sm_container_error(const struct sm_container *container, char *text, size_t text_bytes);

/* A descriptor that polls readable while sm_container_next would return at once. Only poll it; it is closed by sm_container_close. */
int sm_container_fd(const struct sm_container *container);

/* Announces a clean exit: no new shard is taken, every shard that is held gets an SM_EVENT_DROP; when all are acknowledged
 * and released the session is revoked and sm_container_next answers SM_ECLOSED. Returns at once; calling it again is harmless. */
void sm_container_stop(struct sm_container *container);

/* Ends everything and frees the handle. By calling it the application states that all work on all shards has ended:
 * what is still claimed is released and the session revoked, in at most timeout_ms (at 0, or without etcd, the manager
 * frees the claims after the lock delay). Blocks. NULL is fine. */
void sm_container_close(struct sm_container *container, int timeout_ms);

/* ---- events --------------------------------------------------------------------------------------------------- */

struct sm_event;

enum sm_event_type {
	SM_EVENT_ADD =
	        1, /* this container has the claim: start serving, then acknowledge. An error: the claim is given back */
	SM_EVENT_DROP = 2, /* stop serving, then acknowledge: only then can another container take the shard */
	SM_EVENT_LOST = 3  /* the session has ended: stop serving, then acknowledge. sm_shard_held is 0 already */
};

/* Takes the next event; the caller frees it with sm_event_free. There is at most one unacknowledged event per shard and replica,
 * so those of different shards may be handled in parallel. Waits up to timeout_ms (0: not at all, -1: no limit): SM_ETIMEDOUT.
 * SM_ECLOSED once stopped and everything is acknowledged; the reason of failure in SM_STATE_FAILED. Blocks. */
int sm_container_next(struct sm_container *container, int timeout_ms, struct sm_event **ret_event);

/* Ends an event by its sequence number. error NULL: done. For an add, any other text means that the shard is not served: the claim
 * is released and the text goes to the manager, which tries again; for drop and lost the text is only reported.
 * SM_ENOENT: no unacknowledged event has that number. */
int sm_container_ack(struct sm_container *container, uint64_t sequence, const char *error);

enum sm_event_type sm_event_type(const struct sm_event *event);
const char *sm_event_shard(const struct sm_event *event);
uint32_t sm_event_replica(const struct sm_event *event); /* 0 until services with replicas exist */
const char *sm_event_task(const struct sm_event *event); /* the shard's opaque application text; "" for drop and lost */
uint64_t sm_event_token(const struct sm_event *event);   /* fencing token of the claim: grows with every new owner */
uint64_t sm_event_sequence(const struct sm_event *event);
const char *sm_event_reason(const struct sm_event *event); /* why, for people; may be "" */
void sm_event_free(struct sm_event *event);

/* ---- ownership ------------------------------------------------------------------------------------------------ */

/* The fencing token if this container may act for the shard at this instant, else 0. Reads two clocks and one hash slot: no lock, no
 * system call, correct after SIGSTOP, suspend and fork. Ask before every effect, and send the token along with it. */
uint64_t sm_shard_held(const struct sm_container *container, const char *shard, uint32_t replica);

/* ---- routing: who owns a shard, from the view that smd keeps on this host --------------------------------------- */

struct sm_route;

/* Maps the view in smd's runtime directory (default /run/shardmgr when NULL), read-only. SM_ENOENT: no smd has run here;
 * SM_EVERSION: written by an incompatible version. */
int sm_route_open(const char *runtime_dir, struct sm_route **ret_route);
void sm_route_close(struct sm_route *route);

/* Copies the address (container id) of the shard's owner that is ready to serve, and its token. SM_ENOENT: unknown shard, or no owner.
 * SM_EINVAL: address_bytes too small (256 always suffices), or a NULL text. Never blocks, takes no lock; may be called from many
 * threads. */
int sm_route_lookup(struct sm_route *route, const char *service, const char *shard, uint32_t replica, char *address,
        size_t address_bytes, uint64_t *ret_token);

/* Milliseconds since the view was last known to be in step with etcd; -1 while that is unknown. */
int64_t sm_route_age_ms(struct sm_route *route);

#ifdef __cplusplus
}
#endif
#endif
