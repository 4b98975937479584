/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reading the view: everything sm knows about the cluster, in a shared-memory segment that sync alone writes (view_writer.h)
 * and any process of the host maps read-only. How the bytes lie, who writes which, and what a crash leaves is in view_layout.h.
 *
 * No function here blocks, spins or takes a lock. Words are loaded one by one: two fields of a row may be from
 * two moments; a reader that needs a row whole compares view_service_version() before and after. Strings are
 * immutable once published and stay valid until view_close, or until view_refresh has remapped.
 */
#ifndef VIEW_READER_H
#define VIEW_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view;

#define VIEW_NONE UINT32_MAX /* no row */

/* Maps the newest segment in dir (the runtime directory). SM_ENOENT: none there; SM_EVERSION: another major layout version;
 * SM_EPROTO: not a view, or damaged; SM_ESYSTEM. The caller closes it with view_close. */
int view_open(const char *dir, struct view **ret_view);
void view_close(struct view *view);

/* One load; remaps when sync has published a newer segment. 1 remapped (all row numbers and strings of before are void),
 * 0 nothing to do, negative on error (the old mapping stays usable). */
int view_refresh(struct view *view);
/* true: view_refresh would remap. One load. */
bool view_is_stale(const struct view *view);

/* ---- of the whole view ---- */
uint64_t view_revision(const struct view *view);          /* the view equals etcd at this revision */
uint64_t view_store_incarnation(const struct view *view); /* P/store: the high 16 bits of every fencing token */
const char *view_prefix(const struct view *view);         /* etcdPrefix and manager service that this view is of */
const char *view_manager_service(const struct view *view);
/* CLOCK_BOOTTIME in ms when sync last heard from etcd that the view is in step; 0 never */
uint64_t view_synced_at_ms(const struct view *view);
struct view_usage {
	uint64_t segment_number, segment_bytes, bytes_used, bytes_garbage;
	uint64_t shard_rows, container_rows, service_rows; /* used, tombstones included */
};
void view_usage_get(const struct view *view, struct view_usage *ret_usage);

/* ---- lookup: hash, probe, one load ---- */
struct view_owner {
	uint32_t container; /* container number, 0 = nobody; view_container_by_number() */
	uint64_t token;     /* fencing token, store incarnation included; 0 = nobody */
};
/* The owner that is ready to serve. false: no such shard (replica). An existing shard without a ready owner: true and container 0. */
bool view_lookup(const struct view *view, const char *service, size_t service_bytes, const char *shard,
        size_t shard_bytes, uint32_t replica, struct view_owner *ret_owner);

/* ---- rows ----
 * Services, containers, shards and workers are rows, numbered from 0 in creation order; a number is not used again within a segment
 * for another key (a shard that is removed and comes back has its old one).
 * The rows of one service are lists: first, then next, until VIEW_NONE; rows that were removed meanwhile are skipped. */
struct view_service {
	const char *name;
	bool exists;         /* has a spec; false: only its containers or claims are known */
	const char *spec;    /* JSON text as in etcd; "" when !exists */
	int64_t create_time; /* s since 1970, as in the spec */
	int64_t max_shard_count, max_recovery_time_s;
	int64_t spec_revision;    /* mod_revision of the spec's key; 0 none */
	uint32_t shard_count;     /* shards that are configured (have a spec), replica 0 */
	uint32_t container_count; /* containers alive */
	uint32_t claim_count;     /* claims, ready or not */
};
uint32_t view_service_find(const struct view *view, const char *name); /* VIEW_NONE */
uint32_t view_service_first(const struct view *view);
uint32_t view_service_next(const struct view *view, uint32_t service);
void view_service_get(const struct view *view, uint32_t service, struct view_service *ret_service);
/* Revision of the last change to anything of this service (one more than the version before if that is larger). While a
 * publish that touches the service is under way, or when sync died in one, VIEW_CHANGING is set in it. A reader that loads a
 * version without VIEW_CHANGING, reads rows, and finds the version unchanged has read one state. One load. */
#define VIEW_CHANGING (UINT64_C(1) << 63)
uint64_t view_service_version(const struct view *view, uint32_t service);
/* The same, for changes to anything but claims and heartbeats (what a planner must plan again for). */
uint64_t view_service_config_version(const struct view *view, uint32_t service);

struct view_shard {
	const char *id;
	uint32_t service, replica;
	bool exists;                                   /* is configured; false: only a claim is left */
	const char *group, *worker_group, *pin, *task; /* "" = none */
	int64_t update_time;                           /* s since 1970 */
	int64_t spec_revision;                         /* mod_revision of the shard's key */
	int64_t lease_id, lease_expire;                /* of an sm-go spec; 0 = null */
	/* the claim; claim_container 0 = none */
	uint32_t claim_container; /* container number */
	bool ready;
	int64_t claim_incarnation, claim_mod_revision;
	uint64_t claim_token;
	uint32_t belief_ms;
};
uint32_t view_shard_find(const struct view *view, uint32_t service, const char *id, uint32_t replica);
uint32_t view_shard_first(const struct view *view, uint32_t service);
uint32_t view_shard_next(const struct view *view, uint32_t shard);
void view_shard_get(const struct view *view, uint32_t shard, struct view_shard *ret_shard);
bool view_shard_removed(const struct view *view, uint32_t shard); /* neither configured nor claimed any more */

struct view_container {
	const char *id;  /* host:port */
	uint32_t number; /* 1 .. 2^20-1 */
	uint32_t service;
	bool alive;            /* a session key exists; the oldest holds the id */
	int64_t incarnation;   /* create_revision of that key; 0 when not alive */
	int64_t lease;         /* its lease */
	bool ours;             /* speaks our protocol ("shardmgr" in the heartbeat); false: sm-go's */
	const char *heartbeat; /* JSON text, "" unknown */
	uint64_t gone_boot_ns; /* CLOCK_BOOTTIME when sync saw its last session gone; 0 while alive */
};
uint32_t view_container_find(const struct view *view, uint32_t service, const char *id);
uint32_t view_container_by_number(const struct view *view, uint32_t number); /* row or VIEW_NONE */
uint32_t view_container_first(const struct view *view, uint32_t service);
uint32_t view_container_next(const struct view *view, uint32_t container);
void view_container_get(const struct view *view, uint32_t container, struct view_container *ret_container);

struct view_worker {
	const char *group, *container;
};
uint32_t view_worker_first(const struct view *view, uint32_t service);
uint32_t view_worker_next(const struct view *view, uint32_t worker);
void view_worker_get(const struct view *view, uint32_t worker, struct view_worker *ret_worker);

/* ---- change ring: follow in O(changes) ---- */
enum view_kind {
	VIEW_SERVICE = 1,
	VIEW_SHARD = 2,
	VIEW_CONTAINER = 3,
	VIEW_WORKER = 4,
	VIEW_CLAIM = 5,
	VIEW_HEARTBEAT = 6
};
struct view_change {
	enum view_kind kind; /* VIEW_CLAIM: row is a shard's */
	uint32_t row;
	uint64_t revision;
};
/* Position of now: what is read after this call and the changes from here on miss nothing. */
uint64_t view_change_cursor(const struct view *view);
/* Copies up to max changes from *cursor on and advances it; how many, 0 at the end, SM_ELAGGED when the ring has run over
 * (take a new cursor, read everything). Changes of a revision that is not complete yet may be among them. */
int view_change_read(const struct view *view, uint64_t *cursor, struct view_change *ret_changes, size_t max);

#endif
