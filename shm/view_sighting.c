/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_sighting.h"

#define REMOVED (-1)

static uint64_t place(int64_t incarnation)
{
	return (uint64_t)incarnation * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

/* The row of incarnation, or NULL. */
static struct view_sighting_row *find(const struct view *view, int64_t incarnation)
{
	uint64_t capacity = view->segment->regions[VIEW_SIGHTINGS].capacity, i = place(incarnation);
	for (uint64_t left = capacity; left; left--, i++) {
		struct view_sighting_row *row = &view->sightings[i & (capacity - 1)];
		int64_t found = VIEW_LOAD(&row->incarnation);
		if (found == incarnation)
			return row;
		if (found == 0)
			return NULL;
	}
	return NULL;
}

bool view_sighting_get(const struct view *view, int64_t incarnation, struct view_sighting *ret_sighting)
{
	const struct view_sighting_row *row = incarnation > 0 ? find(view, incarnation) : NULL;
	if (row)
		*ret_sighting = (struct view_sighting){ incarnation, row->boot_ns, row->raw_ns };
	return row;
}

int view_sighting_put(struct view_store *store, const struct view_sighting *sighting)
{
	struct view_region *region = &store->view.segment->regions[VIEW_SIGHTINGS];
	if (find(&store->view, sighting->incarnation))
		return 0;
	if (region->used >= region->capacity / 2) {
		store->wanted[VIEW_SIGHTINGS]++;
		return VIEW_NO_ROOM;
	}
	uint64_t i = place(sighting->incarnation);
	while (store->view.sightings[i & (region->capacity - 1)].incarnation != 0)
		i++;
	struct view_sighting_row *row = &store->view.sightings[i & (region->capacity - 1)];
	VIEW_STORE(&region->used, region->used + 1);
	VIEW_STORE(&row->boot_ns, sighting->boot_ns);
	VIEW_STORE(&row->raw_ns, sighting->raw_ns);
	VIEW_STORE(&row->incarnation, sighting->incarnation);
	return 0;
}

void view_sighting_remove(struct view_store *store, int64_t incarnation)
{
	struct view_sighting_row *row = incarnation > 0 ? find(&store->view, incarnation) : NULL;
	if (!row)
		return;
	VIEW_STORE(&row->incarnation, REMOVED);
	view_store_garbage(store, VIEW_SIGHTINGS, 1);
}

void view_sighting_clear(struct view_store *store)
{
	for (uint64_t i = 0; i < store->view.segment->regions[VIEW_SIGHTINGS].capacity; i++)
		view_sighting_remove(store, VIEW_LOAD(&store->view.sightings[i].incarnation));
}

int view_sighting_copy(struct view_store *store, const struct view *from)
{
	int error = 0;
	for (uint64_t i = 0; i < from->segment->regions[VIEW_SIGHTINGS].capacity && !error; i++) {
		const struct view_sighting_row *row = &from->sightings[i];
		struct view_sighting sighting = { VIEW_LOAD(&row->incarnation), row->boot_ns, row->raw_ns };
		if (sighting.incarnation > 0)
			error = view_sighting_put(store, &sighting);
	}
	return error;
}
