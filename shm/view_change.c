/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_map.h"

uint64_t view_change_cursor(const struct view *view)
{
	return VIEW_LOAD(&view->segment->change_head);
}

int view_change_read(const struct view *view, uint64_t *cursor, struct view_change *ret_changes, size_t max)
{
	uint64_t capacity = view->segment->regions[VIEW_RING].capacity;
	uint64_t from = *cursor, head = VIEW_LOAD(&view->segment->change_head);
	if (head - from >= capacity)
		return SM_ELAGGED; /* also when the cursor is of another segment and ahead of this one */
	size_t count = head - from < max ? head - from : max;
	if (count > INT32_MAX)
		count = INT32_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct view_ring_entry *entry = &view->ring[(from + i) & (capacity - 1)];
		uint64_t what = VIEW_LOAD(&entry->what);
		ret_changes[i] = (struct view_change){ .kind = (enum view_kind)(what >> 32),
			.row = (uint32_t)what,
			.revision = VIEW_LOAD(&entry->revision) };
	}
	/* the writer may have come round while they were copied */
	if (VIEW_LOAD(&view->segment->change_head) - from >= capacity)
		return SM_ELAGGED;
	*cursor = from + count;
	return (int)count;
}
