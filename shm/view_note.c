/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_note.h"

void view_note_carry(struct view *view, uint32_t service)
{
	view->services[service].touched_next = view->segment->touched;
	view->segment->touched = service;
}

void view_note_touch(struct view *view, uint32_t service, bool config)
{
	struct view_service_row *row = &view->services[service];
	if (!(row->version & VIEW_CHANGING)) {
		VIEW_STORE(&row->version, row->version | VIEW_CHANGING);
		view_note_carry(view, service);
	}
	if (config && !(row->config_version & VIEW_CHANGING))
		VIEW_STORE(&row->config_version, row->config_version | VIEW_CHANGING);
}

void view_note_ring(struct view *view, enum view_kind kind, uint32_t row, int64_t revision)
{
	struct view_segment *segment = view->segment;
	uint64_t head = segment->change_head;
	struct view_ring_entry *entry = &view->ring[head & (segment->regions[VIEW_RING].capacity - 1)];
	VIEW_STORE(&entry->what, (uint64_t)kind << 32 | row);
	VIEW_STORE(&entry->revision, (uint64_t)revision);
	VIEW_STORE(&segment->change_head, head + 1);
}

void view_note_settle(struct view *view, uint64_t revision)
{
	for (uint32_t service = view->segment->touched; service != VIEW_NONE;) {
		struct view_service_row *row = &view->services[service];
		uint64_t before = row->version & ~VIEW_CHANGING;
		uint64_t version = revision > before ? revision : before + 1;
		if (row->config_version & VIEW_CHANGING)
			VIEW_STORE(&row->config_version, version);
		VIEW_STORE(&row->version, version);
		service = row->touched_next;
	}
	view->segment->touched = VIEW_NONE;
}
