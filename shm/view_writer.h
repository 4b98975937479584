/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Writing the view. One process at a time (sync; enforced by a lock on view.lock), between begin and publish. A writer that
 * is killed at any instruction leaves readers with old or new words, never stuck and never torn; if it died between begin and publish the
 * next view_writer_open says so and the caller fills a fresh segment from etcd.
 *
 * Growth and compaction are the writer's own affair: a put that finds no room moves everything to a larger segment first.
 * Row numbers are of the current segment: not kept across begin, and after a put only if view_usage's segment_number is still the same.
 * Strings of the view stay valid until the next begin, also as arguments of a put that moves them.
 */
#ifndef VIEW_WRITER_H
#define VIEW_WRITER_H

#include "view_reader.h"

struct view_writer;

struct view_identity {
	const char *prefix, *manager_service; /* a segment of another cluster or another boot is not resumed */
};

/* Opens dir's view for writing. *ret_resumable: the segment found there is whole and of this identity, boot and layout: go on from
 * view_revision(). Otherwise nothing of it will be used: call view_writer_reset before the first begin.
 * SM_EEXIST: another process is writing; SM_EVERSION never (an old layout is simply not resumable); SM_ESYSTEM. */
int view_writer_open(
        const char *dir, const struct view_identity *identity, struct view_writer **ret_writer, bool *ret_resumable);
void view_writer_close(struct view_writer *writer); /* leaves the view readable */

/* Starts an empty segment, sized for about this many shards, filled between begin and publish; readers keep the old one until that publish.
 * Gone-sightings (below) of the segment before are carried over when it was of the same identity and boot. */
int view_writer_reset(struct view_writer *writer, uint64_t expected_shards);

/* The reader's interface on what has been written so far; valid until the next begin, reset or close. */
const struct view *view_writer_view(const struct view_writer *writer);

void view_writer_begin(struct view_writer *writer);
/* Readers may now rely on everything up to revision (never smaller than before within a segment, unless reset). */
void view_writer_publish(struct view_writer *writer, uint64_t revision);
void view_writer_synced(struct view_writer *writer, uint64_t boot_ms); /* any time: the view is in step at boot_ms */
void view_writer_store_incarnation(struct view_writer *writer, uint64_t incarnation); /* a different one: reset first */

/* Puts are idempotent: the same content again changes nothing and rings nothing. Strings are copied; NULL = "". All answer 0 or
 * SM_ENOMEM / SM_ESYSTEM (no room for a larger segment), SM_EINVAL (a text over 16 MiB, more than 2^20-1 containers ever in one segment).
 */
struct view_service_spec {
	const char *spec;
	int64_t create_time, max_shard_count, max_recovery_time_s, spec_revision;
};
int view_writer_service_put(struct view_writer *writer, const char *service, const struct view_service_spec *spec);
int view_writer_service_remove(
        struct view_writer *writer, const char *service, int64_t revision); /* rows of its containers and claims stay */

struct view_shard_spec {
	const char *group, *worker_group, *pin, *task;
	int64_t update_time, spec_revision, lease_id, lease_expire;
};
int view_writer_shard_put(struct view_writer *writer, const char *service, const char *shard, uint32_t replica,
        const struct view_shard_spec *spec);
int view_writer_shard_remove(
        struct view_writer *writer, const char *service, const char *shard, uint32_t replica, int64_t revision);

struct view_claim {
	const char *container;
	int64_t incarnation, mod_revision;
	uint64_t token_revision; /* low 48 bits of the fencing token; at most 44 bits are used */
	uint32_t belief_ms;
	bool ready;
};
int view_writer_claim_put(struct view_writer *writer, const char *service, const char *shard, uint32_t replica,
        const struct view_claim *claim);
int view_writer_claim_remove(
        struct view_writer *writer, const char *service, const char *shard, uint32_t replica, int64_t revision);

struct view_session {
	int64_t incarnation, lease;
	bool ours;
	const char *heartbeat;
};
int view_writer_container_put(struct view_writer *writer, const char *service, const char *container,
        const struct view_session *session, int64_t revision);
int view_writer_container_gone(
        struct view_writer *writer, const char *service, const char *container, uint64_t boot_ns, int64_t revision);

int view_writer_worker_put(
        struct view_writer *writer, const char *service, const char *group, const char *container, int64_t revision);
int view_writer_worker_remove(
        struct view_writer *writer, const char *service, const char *group, const char *container, int64_t revision);

/* Sightings: when a manager on this host first saw that incarnation i of a container is gone, on both clocks. Kept in the segment so
 * that a restart of sync does not begin the lock delay again (daemon/sync/README.md). A sighting, once set, keeps its times. */
struct view_sighting {
	int64_t incarnation;
	uint64_t boot_ns, raw_ns; /* CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW */
};
int view_writer_sighting_put(struct view_writer *writer, const struct view_sighting *sighting);
bool view_writer_sighting_get(
        const struct view_writer *writer, int64_t incarnation, struct view_sighting *ret_sighting);
void view_writer_sighting_remove(struct view_writer *writer, int64_t incarnation); /* no claim names it any more */
/* The store incarnation of the segment whose sightings a reset carries over, resumable or not; 0: none. */
uint64_t view_writer_sighting_incarnation(const struct view_writer *writer);
/* Before a reset because etcd was restored from a backup: it uses revisions again, so what was seen gone says nothing. */
void view_writer_sighting_clear(struct view_writer *writer);

#endif
