/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Runs one put, and moves to another segment as often as it finds no room or its key collides. Not for other folders.
 */
#ifndef VIEW_GROW_H
#define VIEW_GROW_H

#include "view_writer_private.h"

/* A put: allocates everything first and only then changes what readers see, so that it can be run again from the start. */
typedef int view_grow_fn(struct view_writer *writer, const void *arg);

/* Between begin and publish. SM_ENOMEM, SM_ESYSTEM: the put was not done. SM_EINVAL: no segment is large enough for it. */
int view_grow_run(struct view_writer *writer, view_grow_fn *put, const void *arg);

/* Moves everything to a new segment. Readers learn of it at the publish, or at once when no batch is under way. */
int view_grow_move(struct view_writer *writer);

#endif
