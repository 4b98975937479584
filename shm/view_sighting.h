/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The table of sightings in a segment: open addressing by incarnation. Not for other folders.
 */
#ifndef VIEW_SIGHTING_H
#define VIEW_SIGHTING_H

#include "view_store.h"
#include "view_writer.h"

bool view_sighting_get(const struct view *view, int64_t incarnation, struct view_sighting *ret_sighting);
/* Keeps the times of one that is there. VIEW_NO_ROOM. */
int view_sighting_put(struct view_store *store, const struct view_sighting *sighting);
void view_sighting_remove(struct view_store *store, int64_t incarnation);
void view_sighting_clear(struct view_store *store);
/* All of from into store. */
int view_sighting_copy(struct view_store *store, const struct view *from);

#endif
