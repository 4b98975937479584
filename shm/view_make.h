/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Finds a row by its key, or makes it: names copied, row filled, linked into its service's list, and its index slot stored last. A new
 * row stands for nothing yet (no spec, not alive, no claim), so readers skip it until its owner here fills it. Not for other folders.
 *
 * All answer 0, VIEW_NO_ROOM, VIEW_COLLISION or SM_ESYSTEM, and can be called again after any of them.
 */
#ifndef VIEW_MAKE_H
#define VIEW_MAKE_H

#include "view_store.h"

/* Interns: the same text has the same offset. "" is 0. */
int view_make_string(struct view_store *store, const char *text, uint32_t *ret_offset);
/* *ret_made: a new row (for the callers that tell readers of it). */
int view_make_service(struct view_store *store, const char *name, uint32_t *ret_row, bool *ret_made);
int view_make_container(struct view_store *store, uint32_t service, const char *id, uint32_t *ret_row, bool *ret_made);
int view_make_shard(struct view_store *store, uint32_t service, const char *id, uint32_t replica, uint32_t *ret_slot,
        bool *ret_made);
int view_make_worker(struct view_store *store, uint32_t service, const char *group, const char *container,
        uint32_t *ret_row, bool *ret_made);
int view_make_term(
        struct view_store *store, uint32_t container, int64_t incarnation, uint32_t belief_ms, uint32_t *ret_row);

/* Units of TEXTS that the shard's task and lease take. */
uint64_t view_make_shard_text_units(const struct view *view, uint32_t unit);
/* A shard's row began or ceased to stand for something: counts and garbage. */
void view_make_shard_live(struct view_store *store, uint32_t shard, bool live);
void view_make_worker_live(struct view_store *store, uint32_t worker, bool live);

#endif
