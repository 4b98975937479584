/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What tells readers that something changed: the versions of services, and the ring. Not for other folders.
 */
#ifndef VIEW_NOTE_H
#define VIEW_NOTE_H

#include "view_map.h"

/* Before the first store to anything of the service in a batch, and before any later one: marks its version as changing. config: as well
 * the one for changes to anything but claims and heartbeats. */
void view_note_touch(struct view *view, uint32_t service, bool config);
/* After the stores: an entry in the ring. */
void view_note_ring(struct view *view, enum view_kind kind, uint32_t row, int64_t revision);
/* At the end of a batch: new versions for all services touched. */
void view_note_settle(struct view *view, uint64_t revision);
/* After a move in the middle of a batch: row is touched in view, too. */
void view_note_carry(struct view *view, uint32_t service);

#endif
