/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_store.h"

#include "shardmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (64u * 1024u)
#define LARGE_CHUNK_BYTES (1024u * 1024u)
#define LARGE_REGION_BYTES (32u * 1024u * 1024u)
#define LARGE_SHARDS 100000u

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Makes sure that the region's first bytes have pages. */
static int allocate(struct view_store *store, enum view_region_id id, uint64_t bytes)
{
	const struct view_region *region = &store->view.segment->regions[id];
	uint64_t from = store->allocated[id];
	if (bytes <= from)
		return 0;
	uint64_t chunk = bytes > LARGE_REGION_BYTES ? LARGE_CHUNK_BYTES : CHUNK_BYTES;
	uint64_t limit = round_up(region->capacity * region->element_bytes, VIEW_PAGE_BYTES);
	uint64_t to = round_up(bytes, chunk);
	if (to > limit)
		to = limit;
	int error;
	do {
		error = posix_fallocate(store->fd, (off_t)(region->offset + from), (off_t)(to - from));
	} while (error == EINTR);
	if (error)
		return SM_ESYSTEM;
	store->allocated[id] = to;
	return 0;
}

/* Places the regions one after the other; the bytes of the whole. */
static uint64_t place(const struct view_size *size, struct view_region *ret_regions)
{
	uint64_t end = VIEW_PAGE_BYTES;
	for (int i = 0; i < VIEW_REGIONS; i++) {
		ret_regions[i] = (struct view_region){
			.offset = end, .capacity = size->capacity[i], .element_bytes = view_map_element_bytes[i]
		};
		end += round_up(size->capacity[i] * view_map_element_bytes[i], VIEW_PAGE_BYTES);
	}
	return end;
}

/* What readers touch before anything is in it: the tables, the first bytes of the arenas and their last. */
static int allocate_tables(struct view_store *store)
{
	const struct view_region *regions = store->view.segment->regions;
	static const enum view_region_id whole[] = { VIEW_SLOTS, VIEW_SLOT_ROWS, VIEW_RING, VIEW_SIGHTINGS };
	int error = 0;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole) && !error; i++)
		error = allocate(store, whole[i], regions[whole[i]].capacity * regions[whole[i]].element_bytes);
	for (int id = VIEW_NAMES; id <= VIEW_TEXTS && !error; id++) {
		uint64_t last = regions[id].offset + regions[id].capacity * regions[id].element_bytes - 1;
		if (posix_fallocate(store->fd, (off_t)last, 1) != 0)
			error = SM_ESYSTEM;
		uint32_t first;
		if (!error)
			error = view_store_room(store, (enum view_region_id)id, 1, &first);
		view_store_use(store, (enum view_region_id)id, 1); /* "" */
	}
	return error;
}

static int create(struct view_store *store, uint64_t number, uint64_t seed, const struct view_size *size)
{
	struct view_segment segment = { .magic = VIEW_SEGMENT_MAGIC, .major = VIEW_MAJOR, .minor = VIEW_MINOR };
	segment.segment_bytes = place(size, segment.regions);
	segment.number = number;
	segment.seed = seed;
	segment.touched = VIEW_NONE;
	if (fchmod(store->fd, 0644) < 0 || ftruncate(store->fd, (off_t)segment.segment_bytes) < 0 ||
	        posix_fallocate(store->fd, 0, VIEW_PAGE_BYTES) != 0)
		return SM_ESYSTEM;
	void *base = mmap(NULL, segment.segment_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, store->fd, 0);
	if (base == MAP_FAILED)
		return errno == ENOMEM ? SM_ENOMEM : SM_ESYSTEM;
	memcpy(base, &segment, sizeof(segment));
	view_map_attach(&store->view, base);
	return allocate_tables(store);
}

int view_store_create(
        struct view_store *ret_store, const char *dir, uint64_t number, uint64_t seed, const struct view_size *size)
{
	struct view_store store = { .fd = -1 };
	char path[PATH_MAX];
	int error = view_map_path(dir, number, path);
	if (error)
		return error;
	unlink(path); /* nobody knows a number that was never published */
	store.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (store.fd < 0)
		return SM_ESYSTEM;
	error = create(&store, number, seed, size);
	if (error) {
		view_store_close(&store);
		unlink(path);
		return error;
	}
	*ret_store = store;
	return 0;
}

int view_store_open(struct view_store *ret_store, const char *dir, uint64_t number)
{
	struct view_store store = { .fd = -1 };
	char path[PATH_MAX];
	int error = view_map_path(dir, number, path);
	if (error)
		return error;
	store.fd = open(path, O_RDWR | O_CLOEXEC);
	if (store.fd < 0)
		return errno == ENOENT ? SM_ENOENT : SM_ESYSTEM;
	error = view_map_segment(store.fd, true, &store.view);
	if (!error && store.view.number != number)
		error = SM_EPROTO;
	if (error)
		view_store_close(&store);
	else
		*ret_store = store;
	return error;
}

void view_store_close(struct view_store *store)
{
	view_map_release(&store->view);
	if (store->fd >= 0)
		close(store->fd);
	store->fd = -1;
}

int view_store_room(struct view_store *store, enum view_region_id id, uint64_t count, uint32_t *ret_first)
{
	struct view_region *region = &store->view.segment->regions[id];
	/* the last element of an arena is the NUL that ends a damaged one */
	uint64_t limit = region->capacity - (id == VIEW_NAMES || id == VIEW_TEXTS);
	if (count > limit - region->used) {
		store->wanted[id] += count;
		return VIEW_NO_ROOM;
	}
	int error = allocate(store, id, (region->used + count) * region->element_bytes);
	if (error)
		return error;
	*ret_first = (uint32_t)region->used;
	return 0;
}

void view_store_use(struct view_store *store, enum view_region_id id, uint64_t count)
{
	struct view_region *region = &store->view.segment->regions[id];
	VIEW_STORE(&region->used, region->used + count);
}

int view_store_slot_room(struct view_store *store)
{
	const struct view_region *region = &store->view.segment->regions[VIEW_SLOTS];
	if (region->used < region->capacity / 5 * 4)
		return 0;
	store->wanted[VIEW_SLOTS]++;
	return VIEW_NO_ROOM;
}

int view_store_name(struct view_store *store, const char *text, uint32_t *ret_offset)
{
	size_t bytes = strlen(text) + 1;
	*ret_offset = 0;
	if (bytes == 1)
		return 0;
	int error = view_store_room(store, VIEW_NAMES, bytes, ret_offset);
	if (error)
		return error;
	memcpy(store->view.names + *ret_offset, text, bytes);
	view_store_use(store, VIEW_NAMES, bytes);
	return 0;
}

uint64_t view_store_text_units(size_t head_bytes, const char *text)
{
	return (head_bytes + strlen(text) + 1 + VIEW_TEXT_UNIT - 1) / VIEW_TEXT_UNIT;
}

int view_store_text(struct view_store *store, const void *head, size_t head_bytes, const char *text, uint32_t *ret_unit)
{
	*ret_unit = 0;
	if (!head_bytes && !*text)
		return 0;
	uint64_t units = view_store_text_units(head_bytes, text);
	int error = view_store_room(store, VIEW_TEXTS, units, ret_unit);
	if (error)
		return error;
	char *place_at = store->view.texts + (uint64_t)*ret_unit * VIEW_TEXT_UNIT;
	if (head_bytes)
		memcpy(place_at, head, head_bytes);
	strcpy(place_at + head_bytes, text);
	view_store_use(store, VIEW_TEXTS, units);
	return 0;
}

static uint64_t at_least(uint64_t n, uint64_t least)
{
	return n > least ? n : least;
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

static uint64_t power_of_two(uint64_t n)
{
	uint64_t power = 1;
	while (power < n)
		power *= 2;
	return power;
}

/* Fills in least sizes and largest ones, and what follows from the rest. slots: keys, not slots. */
static struct view_size bounded(struct view_size size, uint64_t keys)
{
	static const uint64_t least[VIEW_REGIONS] = { [VIEW_SERVICES] = 64,
		[VIEW_CONTAINERS] = 1024,
		[VIEW_TERMS] = 2048,
		[VIEW_SHARDS] = 1024,
		[VIEW_WORKERS] = 1024,
		[VIEW_NAMES] = 256 * 1024,
		[VIEW_TEXTS] = 16 * 1024 * 1024 / VIEW_TEXT_UNIT };
	uint64_t *capacity = size.capacity;
	for (int i = VIEW_SERVICES; i <= VIEW_TEXTS; i++)
		capacity[i] = at_most(at_least(capacity[i], least[i]), UINT32_MAX - 1);
	capacity[VIEW_CONTAINERS] = at_most(capacity[VIEW_CONTAINERS], VIEW_CONTAINER_MAX);
	capacity[VIEW_SLOTS] = capacity[VIEW_SLOT_ROWS] = at_most(at_least(keys * 5 / 4, 4096), UINT32_MAX - 1);
	capacity[VIEW_RING] = at_most(power_of_two(at_least(capacity[VIEW_SHARDS] / 16, 4096)), 65536);
	capacity[VIEW_SIGHTINGS] = power_of_two(at_least(capacity[VIEW_SIGHTINGS], 256));
	return size;
}

struct view_size view_store_size_for(uint64_t shards)
{
	struct view_size size = { { 0 } };
	shards = at_most(shards, UINT32_MAX / 2);
	size.capacity[VIEW_SHARDS] = shards + shards / 16;
	size.capacity[VIEW_SERVICES] = shards / 256;
	size.capacity[VIEW_CONTAINERS] = size.capacity[VIEW_WORKERS] = shards / 64;
	size.capacity[VIEW_TERMS] = shards / 32;
	size.capacity[VIEW_NAMES] = shards * 26;
	size.capacity[VIEW_TEXTS] = shards * 4;
	return bounded(size, shards + shards / 16 + 2048);
}

struct view_size view_store_size_grown(const struct view_store *store)
{
	const struct view_region *regions = store->view.segment->regions;
	struct view_size size = { { 0 } };
	bool large = regions[VIEW_SHARDS].used > LARGE_SHARDS;
	for (int i = 0; i < VIEW_REGIONS; i++) {
		uint64_t live = regions[i].used - at_most(regions[i].garbage, regions[i].used) + store->wanted[i];
		size.capacity[i] = live + (large ? live / 8 * 3 : live);
	}
	size.capacity[VIEW_SIGHTINGS] *= 2; /* at most half full */
	return bounded(size, size.capacity[VIEW_SLOTS]);
}
