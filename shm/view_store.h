/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A segment file under the writer's hand: made, filled region by region, dropped. Files are sparse: a region's pages are allocated (so
 * that a full file system is an error and not a SIGBUS) in chunks, just before they are first written. Not for other folders.
 */
#ifndef VIEW_STORE_H
#define VIEW_STORE_H

#include "view_map.h"

struct view_store {
	struct view view;
	int fd;                           /* -1: no segment */
	uint64_t allocated[VIEW_REGIONS]; /* bytes of each region that have pages */
	uint64_t wanted[VIEW_REGIONS];    /* elements that VIEW_NO_ROOM was about */
};

/* What the writer's inner functions answer besides enum sm_error; never handed out. */
enum { VIEW_NO_ROOM = -1000, VIEW_COLLISION = -1001 };

/* Capacities of a segment, in elements of each region. */
struct view_size {
	uint64_t capacity[VIEW_REGIONS];
};
/* For about this many shards, and the rest in proportion. */
struct view_size view_store_size_for(uint64_t shards);
/* For what lives in store, what it wanted besides, and as much again; with many shards, only three eighths more. */
struct view_size view_store_size_grown(const struct view_store *store);

/* Makes dir/view.<number> with an empty segment of that size. SM_ENOMEM, SM_ESYSTEM: nothing is left of it. */
int view_store_create(
        struct view_store *ret_store, const char *dir, uint64_t number, uint64_t seed, const struct view_size *size);
/* Maps an existing one for writing. */
int view_store_open(struct view_store *ret_store, const char *dir, uint64_t number);
void view_store_close(struct view_store *store);

/* All below: VIEW_NO_ROOM when the region is full, SM_ESYSTEM when the file system is. */
/* Makes room for the next count elements of a region, contiguous; the number of the first. The caller fills them, */
int view_store_room(struct view_store *store, enum view_region_id id, uint64_t count, uint32_t *ret_first);
/* and then counts them in, before it stores anything that leads to them. */
void view_store_use(struct view_store *store, enum view_region_id id, uint64_t count);
/* Whether one more key fits into the index. */
int view_store_slot_room(struct view_store *store);
/* Copies a text with its NUL. "" is 0. */
int view_store_name(struct view_store *store, const char *text, uint32_t *ret_offset);
/* A text behind head_bytes of something else, which may be 0. */
int view_store_text(
        struct view_store *store, const void *head, size_t head_bytes, const char *text, uint32_t *ret_unit);
/* Units of TEXTS that view_store_text takes. */
uint64_t view_store_text_units(size_t head_bytes, const char *text);

static inline void view_store_garbage(struct view_store *store, enum view_region_id id, int64_t elements)
{
	struct view_region *region = &store->view.segment->regions[id];
	VIEW_STORE(&region->garbage, region->garbage + (uint64_t)elements);
}

#endif
