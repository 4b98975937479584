/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_map.h"

#include "shardmgr.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

const uint64_t view_map_element_bytes[VIEW_REGIONS] = {
	[VIEW_SLOTS] = sizeof(struct view_slot),
	[VIEW_SLOT_ROWS] = sizeof(uint32_t),
	[VIEW_SERVICES] = sizeof(struct view_service_row),
	[VIEW_CONTAINERS] = sizeof(struct view_container_row),
	[VIEW_TERMS] = sizeof(struct view_term_row),
	[VIEW_SHARDS] = sizeof(struct view_shard_row),
	[VIEW_WORKERS] = sizeof(struct view_worker_row),
	[VIEW_NAMES] = 1,
	[VIEW_TEXTS] = VIEW_TEXT_UNIT,
	[VIEW_RING] = sizeof(struct view_ring_entry),
	[VIEW_SIGHTINGS] = sizeof(struct view_sighting_row),
};

int view_map_path(const char *dir, uint64_t number, char *ret_path)
{
	int length = snprintf(ret_path, PATH_MAX, "%s/view.%llu", dir, (unsigned long long)number);
	return length < PATH_MAX ? 0 : SM_EINVAL;
}

/* Inside the segment, on a page, at least one element, and no more in use than there is room for. */
static bool region_right(const struct view_segment *segment, enum view_region_id id)
{
	const struct view_region *region = &segment->regions[id];
	uint64_t bytes;
	return region->element_bytes == view_map_element_bytes[id] && region->capacity &&
	       region->capacity < UINT32_MAX && VIEW_LOAD(&region->used) <= region->capacity &&
	       region->offset >= VIEW_PAGE_BYTES && region->offset % VIEW_PAGE_BYTES == 0 &&
	       region->offset <= segment->segment_bytes &&
	       !__builtin_mul_overflow(region->capacity, region->element_bytes, &bytes) &&
	       bytes <= segment->segment_bytes - region->offset;
}

static bool power_of_two(uint64_t n)
{
	return n && (n & (n - 1)) == 0;
}

/* The first page first; then the last bytes of the arenas, which end every string. */
static int check(const struct view_segment *segment, uint64_t file_bytes)
{
	const struct view_region *regions = segment->regions;
	if (segment->magic != VIEW_SEGMENT_MAGIC)
		return SM_EPROTO;
	if (segment->major != VIEW_MAJOR)
		return SM_EVERSION;
	if (segment->segment_bytes != file_bytes)
		return SM_EPROTO;
	for (int i = 0; i < VIEW_REGIONS; i++) {
		if (!region_right(segment, i))
			return SM_EPROTO;
	}
	if (!power_of_two(regions[VIEW_RING].capacity) || !power_of_two(regions[VIEW_SIGHTINGS].capacity) ||
	        regions[VIEW_SLOT_ROWS].capacity < regions[VIEW_SLOTS].capacity)
		return SM_EPROTO;
	const char *base = (const char *)segment;
	const struct view_region *names = &regions[VIEW_NAMES], *texts = &regions[VIEW_TEXTS];
	if (base[names->offset] || base[names->offset + names->capacity - 1] || base[texts->offset] ||
	        base[texts->offset + texts->capacity * VIEW_TEXT_UNIT - 1])
		return SM_EPROTO;
	return 0;
}

void view_map_attach(struct view *view, struct view_segment *segment)
{
	const struct view_region *regions = segment->regions;
	char *base = (char *)segment;
	view->segment = segment;
	view->bytes = segment->segment_bytes;
	view->number = segment->number;
	view->slots = (struct view_slot *)(base + regions[VIEW_SLOTS].offset);
	view->slot_rows = (uint32_t *)(base + regions[VIEW_SLOT_ROWS].offset);
	view->slot_count = (uint32_t)regions[VIEW_SLOTS].capacity;
	view->services = (struct view_service_row *)(base + regions[VIEW_SERVICES].offset);
	view->containers = (struct view_container_row *)(base + regions[VIEW_CONTAINERS].offset);
	view->terms = (struct view_term_row *)(base + regions[VIEW_TERMS].offset);
	view->shards = (struct view_shard_row *)(base + regions[VIEW_SHARDS].offset);
	view->workers = (struct view_worker_row *)(base + regions[VIEW_WORKERS].offset);
	view->names = base + regions[VIEW_NAMES].offset;
	view->texts = base + regions[VIEW_TEXTS].offset;
	view->ring = (struct view_ring_entry *)(base + regions[VIEW_RING].offset);
	view->sightings = (struct view_sighting_row *)(base + regions[VIEW_SIGHTINGS].offset);
}

int view_map_segment(int fd, bool writable, struct view *ret_view)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return SM_ESYSTEM;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)VIEW_PAGE_BYTES)
		return SM_EPROTO;
	void *base =
	        mmap(NULL, (size_t)status.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return errno == ENOMEM ? SM_ENOMEM : SM_ESYSTEM;
	int error = check(base, (uint64_t)status.st_size);
	if (error) {
		munmap(base, (size_t)status.st_size);
		return error;
	}
	view_map_attach(ret_view, base);
	return 0;
}

void view_map_release(struct view *view)
{
	if (view->segment)
		munmap(view->segment, view->bytes);
	view->segment = NULL;
}

int view_map_head(int fd, bool writable, struct view_head **ret_head)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return SM_ESYSTEM;
	if (status.st_size == 0)
		return SM_ENOENT;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)VIEW_PAGE_BYTES)
		return SM_EPROTO;
	struct view_head *head =
	        mmap(NULL, VIEW_PAGE_BYTES, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (head == MAP_FAILED)
		return errno == ENOMEM ? SM_ENOMEM : SM_ESYSTEM;
	*ret_head = head;
	return 0;
}

void view_map_head_release(const struct view_head *head)
{
	if (head)
		munmap((void *)head, VIEW_PAGE_BYTES);
}
