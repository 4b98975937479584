/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_index.h"
#include "view_map.h"

uint32_t view_service_find(const struct view *view, const char *name)
{
	struct view_key key = { .tag = VIEW_TAG_SERVICE, .service = name, .name = "", .container = "" };
	uint32_t slot;
	if (view_index_find(view, &key, &slot) != VIEW_FOUND)
		return VIEW_NONE;
	uint32_t row = VIEW_LOAD(&view->slot_rows[slot]);
	return view_map_service_lives(&view->services[row]) ? row : VIEW_NONE;
}

/* Services are not chained: rows are in creation order already. */
static uint32_t service_from(const struct view *view, uint32_t row)
{
	while (view_map_has(view, VIEW_SERVICES, row) && !view_map_service_lives(&view->services[row]))
		row++;
	return view_map_has(view, VIEW_SERVICES, row) ? row : VIEW_NONE;
}

uint32_t view_service_first(const struct view *view)
{
	return service_from(view, 0);
}

uint32_t view_service_next(const struct view *view, uint32_t service)
{
	return service == VIEW_NONE ? VIEW_NONE : service_from(view, service + 1);
}

void view_service_get(const struct view *view, uint32_t service, struct view_service *ret_service)
{
	*ret_service = (struct view_service){ .name = "", .spec = "" };
	if (!view_map_has(view, VIEW_SERVICES, service))
		return;
	const struct view_service_row *row = &view->services[service];
	*ret_service = (struct view_service){
		.name = view_map_name(view, row->name),
		.exists = VIEW_LOAD(&row->exists),
		.spec = view_map_text(view, VIEW_LOAD(&row->spec)),
		.create_time = VIEW_LOAD(&row->create_time),
		.max_shard_count = VIEW_LOAD(&row->max_shard_count),
		.max_recovery_time_s = VIEW_LOAD(&row->max_recovery_time_s),
		.spec_revision = VIEW_LOAD(&row->spec_revision),
		.shard_count = VIEW_LOAD(&row->shard_count),
		.container_count = VIEW_LOAD(&row->container_count),
		.claim_count = VIEW_LOAD(&row->claim_count),
	};
}

uint64_t view_service_version(const struct view *view, uint32_t service)
{
	return view_map_has(view, VIEW_SERVICES, service) ? VIEW_LOAD(&view->services[service].version) : 0;
}

uint64_t view_service_config_version(const struct view *view, uint32_t service)
{
	return view_map_has(view, VIEW_SERVICES, service) ? VIEW_LOAD(&view->services[service].config_version) : 0;
}
