/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_view.h"

#include "common/clocks.h"
#include "shardmgr.h"
#include "view_reader.h"

#include <stdlib.h>
#include <string.h>

struct http_view {
	char *dir;
	struct view *view;
	uint64_t generation;
};

struct http_view *http_view_new(const char *runtime_dir)
{
	struct http_view *view = calloc(1, sizeof(*view));

	if (view == NULL)
		return NULL;
	view->dir = strdup(runtime_dir);
	if (view->dir == NULL) {
		free(view);
		return NULL;
	}
	return view;
}

void http_view_free(struct http_view *view)
{
	if (view == NULL)
		return;
	view_close(view->view);
	free(view->dir);
	free(view);
}

static int open_view(struct http_view *view, struct why *why)
{
	int error = view_open(view->dir, &view->view);

	if (error == SM_ENOENT)
		why_set(why, error,
		        "there is no view in %s yet: sync is still reading etcd, or cannot reach it (see its log)",
		        view->dir);
	else if (error != 0)
		why_set(why, error, "the view in %s cannot be opened (error %d): see the log of sync", view->dir,
		        error);
	else
		view->generation++;
	return error;
}

const struct view *http_view_refresh(struct http_view *view, struct why *why)
{
	if (view->view == NULL && open_view(view, why) != 0)
		return NULL;
	if (view_refresh(view->view) > 0)
		view->generation++;
	return view->view;
}

uint64_t http_view_generation(const struct http_view *view)
{
	return view->generation;
}

int64_t http_view_age_ms(const struct view *view)
{
	uint64_t synced_ms = view_synced_at_ms(view), now_ms = clocks_now().boot_ns / 1000000u;

	if (synced_ms == 0)
		return -1;
	return now_ms > synced_ms ? (int64_t)(now_ms - synced_ms) : 0;
}
