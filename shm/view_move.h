/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Everything that lives in one segment into another, empty one: larger, or with another seed, or only without the garbage. Not for other folders.
 */
#ifndef VIEW_MOVE_H
#define VIEW_MOVE_H

#include "view_store.h"

/* Rows keep their order, not their numbers. Left behind: removed shards and workers, containers that are gone and unclaimed, services
 * of which nothing is left, strings nobody uses. SM_ENOMEM, SM_ESYSTEM, VIEW_NO_ROOM, VIEW_COLLISION: to is of no use then. */
int view_move(const struct view *from, struct view_store *to);

#endif
