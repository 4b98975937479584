/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A mapped segment, and safe access to it: no row number, offset or list in a damaged file leads outside the mapping or into an endless
 * loop. Shared by readers and writer; not for other folders.
 */
#ifndef VIEW_MAP_H
#define VIEW_MAP_H

#include "view_layout.h"
#include "view_reader.h"

struct view {
	struct view_segment *segment; /* NULL: nothing mapped. A reader's mapping is read-only */
	size_t bytes;
	uint64_t number;
	struct view_slot *slots;
	uint32_t *slot_rows;
	uint32_t slot_count;
	struct view_service_row *services;
	struct view_container_row *containers;
	struct view_term_row *terms;
	struct view_shard_row *shards;
	struct view_worker_row *workers;
	char *names, *texts;
	struct view_ring_entry *ring;
	struct view_sighting_row *sightings;
	/* of a reader's only */
	const struct view_head *head;
	char *dir;
};

extern const uint64_t view_map_element_bytes[VIEW_REGIONS];

/* Writes dir/view.<number>; ret_path holds PATH_MAX. SM_EINVAL: too long. */
int view_map_path(const char *dir, uint64_t number, char *ret_path);

/* Maps an open segment file and checks its first page against the file's size. Errors as view_open. Sets only the
 * segment's fields of *ret_view. */
int view_map_segment(int fd, bool writable, struct view *ret_view);
/* Takes over a mapping whose first page is right. */
void view_map_attach(struct view *view, struct view_segment *segment);
void view_map_release(struct view *view);

/* Maps the page in `view`. SM_ENOENT: no file, or nothing in it yet. */
int view_map_head(int fd, bool writable, struct view_head **ret_head);
void view_map_head_release(const struct view_head *head);

/* Row of a region that is in use, and then the row itself can be touched. */
static inline bool view_map_has(const struct view *view, enum view_region_id id, uint32_t row)
{
	const struct view_region *region = &view->segment->regions[id];
	return row < region->capacity && row < VIEW_LOAD(&region->used);
}

static inline const char *view_map_name(const struct view *view, uint32_t offset)
{
	return view->names + (offset < view->segment->regions[VIEW_NAMES].capacity ? offset : 0);
}

static inline const char *view_map_text(const struct view *view, uint32_t unit)
{
	return view->texts + (unit < view->segment->regions[VIEW_TEXTS].capacity ? (uint64_t)unit * VIEW_TEXT_UNIT : 0);
}

/* Whether the row stands for anything: a spec, or something of a service without one. */
static inline bool view_map_service_lives(const struct view_service_row *row)
{
	return VIEW_LOAD(&row->exists) || VIEW_LOAD(&row->container_count) || VIEW_LOAD(&row->live_shard_count) ||
	       VIEW_LOAD(&row->worker_count);
}

#endif
