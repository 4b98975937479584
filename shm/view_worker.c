/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_map.h"

static uint32_t worker_from(const struct view *view, uint32_t row)
{
	while (view_map_has(view, VIEW_WORKERS, row)) {
		if (VIEW_LOAD(&view->workers[row].exists))
			return row;
		uint32_t next = VIEW_LOAD(&view->workers[row].next);
		row = next > row ? next : VIEW_NONE; /* a damaged list must end, too */
	}
	return VIEW_NONE;
}

uint32_t view_worker_first(const struct view *view, uint32_t service)
{
	if (!view_map_has(view, VIEW_SERVICES, service))
		return VIEW_NONE;
	return worker_from(view, VIEW_LOAD(&view->services[service].first_worker));
}

uint32_t view_worker_next(const struct view *view, uint32_t worker)
{
	if (!view_map_has(view, VIEW_WORKERS, worker))
		return VIEW_NONE;
	uint32_t next = VIEW_LOAD(&view->workers[worker].next);
	return next > worker ? worker_from(view, next) : VIEW_NONE;
}

void view_worker_get(const struct view *view, uint32_t worker, struct view_worker *ret_worker)
{
	*ret_worker = (struct view_worker){ .group = "", .container = "" };
	if (!view_map_has(view, VIEW_WORKERS, worker))
		return;
	ret_worker->group = view_map_name(view, view->workers[worker].group);
	ret_worker->container = view_map_name(view, view->workers[worker].container);
}
