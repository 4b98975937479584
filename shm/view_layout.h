/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Every byte of the view, as it lies in the files of the runtime directory:
 *
 *     view          one page: struct view_head. Says which segment is current; mapped by all, written by the writer
 *     view.<n>      a segment: struct view_segment, then its regions, each on a page boundary
 *     view.lock     empty; the writer holds a lock on it (not readable by others, so nobody else can hold it)
 *
 *     view.<n>   +----------------+ 0
 *                | view_segment   |  versions, identity, revision, table of regions
 *                +----------------+ 4096
 *                | SLOTS          |  16 bytes each: fingerprint, owner word              } the index, open addressing,
 *                | SLOT_ROWS      |   4 bytes each: the row that the slot stands for     } at most 4/5 full
 *                | SERVICES       | 128 bytes each
 *                | CONTAINERS     |  64 bytes each; number = row + 1
 *                | TERMS          |  24 bytes each: incarnation and belief of claims, shared by all claims of a session
 *                | SHARDS         |  64 bytes each; a replica is a row of its own
 *                | WORKERS        |  24 bytes each
 *                | NAMES          |  ids and interned strings, NUL-terminated; offset 0 is ""
 *                | TEXTS          |  tasks, specs, heartbeats, NUL-terminated, in units of 16 bytes; unit 0 is ""
 *                | RING           |  16 bytes each: the last changes
 *                | SIGHTINGS      |  24 bytes each: incarnations seen gone, open addressing
 *                +----------------+ segment_bytes
 *
 * One process writes (view_writer.h), any number read. Every word that changes after its row is reachable is stored with release and
 * loaded with acquire, so stores are seen in program order: whoever sees a word sees everything that was stored before it.
 * Bytes of NAMES and TEXTS are written once, before the first word that leads to them. Fixed-width integers in the host's byte
 * order (the files never leave the host), offsets instead of pointers. Rows, names and texts are never used again for something else.
 */
#ifndef VIEW_LAYOUT_H
#define VIEW_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define VIEW_HEAD_MAGIC UINT64_C(0x6461656877656976)    /* "viewhead" in a file of a little-endian host */
#define VIEW_SEGMENT_MAGIC UINT64_C(0x6d67657377656976) /* "viewsegm" */
#define VIEW_MAJOR 1u /* another major: no reader goes on. A larger minor: fields were added where this one has zeros */
#define VIEW_MINOR 0u
#define VIEW_PAGE_BYTES 4096u
#define VIEW_TEXT_UNIT 16u

/* The page in `view`. Written once by the first writer, after that only number changes. The writer stores number when the segment of that
 * number is complete on its side, and unlinks the file of the number before. A crash leaves the old number and perhaps a file that
 * nobody knows (the next writer unlinks it), or the new number and perhaps the old file (the same). Readers check number with one load. */
struct view_head {
	uint64_t magic;
	uint32_t major, page_bytes;
	uint64_t number; /* current segment; 0: none yet */
	uint64_t unused[5];
};
_Static_assert(sizeof(struct view_head) == 64, "view_head");

enum view_region_id {
	VIEW_SLOTS,
	VIEW_SLOT_ROWS,
	VIEW_SERVICES,
	VIEW_CONTAINERS,
	VIEW_TERMS,
	VIEW_SHARDS,
	VIEW_WORKERS,
	VIEW_NAMES,
	VIEW_TEXTS,
	VIEW_RING,
	VIEW_SIGHTINGS,
	VIEW_REGIONS
};

/* Offset, capacity and element_bytes never change. used only grows: it is stored before anything leads to the element. For the index and
 * the sightings it counts slots taken. garbage (elements no longer reachable) is the writer's, and a reader's only for statistics. */
struct view_region {
	uint64_t offset, capacity, used, garbage;
	uint64_t element_bytes;
};
_Static_assert(sizeof(struct view_region) == 40, "view_region");

/* The first page of a segment. All but the words marked `changes` are written before the segment's number is published. The writer sets
 * publishing before the first store of a batch and clears it after revision, its last one; a crash in between leaves it set,
 * and then no writer goes on from this segment (readers may: each word by itself is old or new). */
struct view_segment {
	uint64_t magic;
	uint32_t major, minor;
	uint64_t segment_bytes, number;
	uint64_t seed;       /* of all fingerprints in it */
	uint8_t boot_id[16]; /* CLOCK_BOOTTIME in it is of this boot */
	uint32_t prefix, manager_service;
	uint32_t publishing;        /* changes */
	uint32_t touched;           /* changes; writer's: list of service rows that the batch has changed */
	uint64_t revision;          /* changes */
	uint64_t synced_at_ms;      /* changes */
	uint64_t store_incarnation; /* changes: set once, before the first publish */
	uint64_t change_head;       /* changes: number of changes ever written to RING */
	uint64_t unused[4];
	struct view_region regions[VIEW_REGIONS];
};
_Static_assert(sizeof(struct view_segment) == 136 + 40 * VIEW_REGIONS, "view_segment");
_Static_assert(sizeof(struct view_segment) <= VIEW_PAGE_BYTES, "view_segment must fit its page");

/* One key of the index. fingerprint is stored last, once, after the row and owner: a slot is empty (0) or whole. owner changes for as long
 * as the segment lives, by single stores. A crash leaves an old or a new owner. Slots are never emptied.
 *     owner = token revision << 20 | container number     the shard is served by that container
 *             0                                           shard without a ready owner
 *             tag << 20                                   not a shard that exists: enum view_tag */
struct view_slot {
	uint64_t fingerprint, owner;
};
_Static_assert(sizeof(struct view_slot) == 16, "view_slot");
#define VIEW_CONTAINER_BITS 20
#define VIEW_CONTAINER_MAX ((UINT32_C(1) << VIEW_CONTAINER_BITS) - 1)
#define VIEW_REVISION_MAX ((INT64_C(1) << 44) - 1)
#define VIEW_REPLICA_MAX UINT32_C(65535)

enum view_tag {
	VIEW_TAG_SHARD = 0,
	VIEW_TAG_REMOVED = 1, /* a shard's slot, the shard is neither configured nor claimed */
	VIEW_TAG_SERVICE = 2,
	VIEW_TAG_CONTAINER = 3,
	VIEW_TAG_WORKER = 4,
	VIEW_TAG_STRING = 5 /* interned: row is the offset in NAMES */
};

/* Lists: rows of one service are chained in creation order, each next larger than the row. A row is filled with next = VIEW_NONE, then linked
 * by storing the next of the row before it (or first), then its slot is stored. Removed rows stay linked. A crash leaves a row
 * that is not reachable, or reachable and whole. */
#define VIEW_ROW_EXISTS 1u
struct view_service_row {
	uint32_t name, spec; /* NAMES, TEXTS */
	uint32_t exists;
	uint32_t first_shard, last_shard, first_container, last_container, first_worker, last_worker;
	uint32_t shard_count, container_count, claim_count, worker_count;
	uint32_t live_shard_count; /* rows of shards that are configured or claimed, replicas included */
	uint32_t touched_next;     /* writer's */
	uint32_t pad;
	int64_t create_time, max_shard_count, max_recovery_time_s, spec_revision;
	/* Before the first change of a batch to anything of the service VIEW_CHANGING is set in these; after the last one the new version is
	 * stored without it. A crash in between leaves it set. */
	uint64_t version, config_version;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct view_service_row) == 128, "view_service_row");

struct view_container_row {
	uint32_t id, service, next;
	uint32_t first_term;       /* newest first */
	uint32_t heartbeat;        /* TEXTS */
	uint32_t alive, ours, pad; /* booleans */
	int64_t incarnation, lease;
	uint64_t gone_boot_ns;
	uint64_t
	        claim_count; /* writer's: claims that name it; unclaimed and gone, it is left behind by the next move */
};
_Static_assert(sizeof(struct view_container_row) == 64, "view_container_row");

/* What the claims of one session have in common; never changes once a claim leads to it. */
struct view_term_row {
	int64_t incarnation;
	uint32_t container, belief_ms; /* row */
	uint32_t next, pad;            /* older term of the same container, or VIEW_NONE */
};
_Static_assert(sizeof(struct view_term_row) == 24, "view_term_row");

/* One cache line. text leads to a flag byte; with VIEW_TEXT_LEASE 16 bytes follow (lease id, lease expire); then the task. */
struct view_shard_row {
	uint32_t id, service, next;
	uint32_t term;                     /* of the claim; VIEW_NONE without */
	uint32_t group, worker_group, pin; /* NAMES, interned */
	uint32_t text;                     /* TEXTS; 0: no task and no lease */
	int64_t update_time;
	uint64_t spec;      /* spec revision << 17 | replica << 1 | exists */
	uint64_t claim;     /* token revision << 20 | container number; 0 = no claim */
	uint64_t claim_mod; /* mod revision << 1 | ready */
};
_Static_assert(sizeof(struct view_shard_row) == 64, "view_shard_row");
#define VIEW_TEXT_LEASE 1u

struct view_worker_row {
	uint32_t service, next, group, container; /* container: its id in NAMES */
	uint32_t exists, pad;
};
_Static_assert(sizeof(struct view_worker_row) == 24, "view_worker_row");

/* Entry i lies at i modulo capacity (a power of two). The writer stores both words, then change_head = i + 1. A reader that has copied entry
 * i and then finds change_head - i >= capacity may have copied a newer one: it has lagged. A crash leaves an entry that is not counted. */
struct view_ring_entry {
	uint64_t what; /* kind << 32 | row */
	uint64_t revision;
};
_Static_assert(sizeof(struct view_ring_entry) == 16, "view_ring_entry");

/* Writer's own; read by the next writer after a crash. The times are stored first, incarnation last. 0 empty, -1 removed. */
struct view_sighting_row {
	int64_t incarnation;
	uint64_t boot_ns, raw_ns;
};
_Static_assert(sizeof(struct view_sighting_row) == 24, "view_sighting_row");

_Static_assert(
        __atomic_always_lock_free(8, 0) && __atomic_always_lock_free(4, 0), "words must be atomic without a lock");

#define VIEW_LOAD(word) __atomic_load_n((word), __ATOMIC_ACQUIRE)
#define VIEW_STORE(word, value) __atomic_store_n((word), (value), __ATOMIC_RELEASE)

#endif
