/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_index.h"
#include "view_map.h"

uint32_t view_container_find(const struct view *view, uint32_t service, const char *id)
{
	if (!view_map_has(view, VIEW_SERVICES, service))
		return VIEW_NONE;
	struct view_key key = { .tag = VIEW_TAG_CONTAINER,
		.service = view_map_name(view, view->services[service].name),
		.name = id,
		.container = "" };
	uint32_t slot;
	return view_index_find(view, &key, &slot) == VIEW_FOUND ? VIEW_LOAD(&view->slot_rows[slot]) : VIEW_NONE;
}

uint32_t view_container_by_number(const struct view *view, uint32_t number)
{
	return number && view_map_has(view, VIEW_CONTAINERS, number - 1) ? number - 1 : VIEW_NONE;
}

uint32_t view_container_first(const struct view *view, uint32_t service)
{
	if (!view_map_has(view, VIEW_SERVICES, service))
		return VIEW_NONE;
	uint32_t first = VIEW_LOAD(&view->services[service].first_container);
	return view_map_has(view, VIEW_CONTAINERS, first) ? first : VIEW_NONE;
}

uint32_t view_container_next(const struct view *view, uint32_t container)
{
	if (!view_map_has(view, VIEW_CONTAINERS, container))
		return VIEW_NONE;
	uint32_t next = VIEW_LOAD(&view->containers[container].next);
	return next > container && view_map_has(view, VIEW_CONTAINERS, next) ? next : VIEW_NONE;
}

void view_container_get(const struct view *view, uint32_t container, struct view_container *ret_container)
{
	*ret_container = (struct view_container){ .id = "", .heartbeat = "" };
	if (!view_map_has(view, VIEW_CONTAINERS, container))
		return;
	const struct view_container_row *row = &view->containers[container];
	*ret_container = (struct view_container){
		.id = view_map_name(view, row->id),
		.number = container + 1,
		.service = row->service,
		.alive = VIEW_LOAD(&row->alive),
		.incarnation = VIEW_LOAD(&row->incarnation),
		.lease = VIEW_LOAD(&row->lease),
		.ours = VIEW_LOAD(&row->ours),
		.heartbeat = view_map_text(view, VIEW_LOAD(&row->heartbeat)),
		.gone_boot_ns = VIEW_LOAD(&row->gone_boot_ns),
	};
}
