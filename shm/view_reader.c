/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_reader.h"

#include "shardmgr.h"
#include "view_index.h"
#include "view_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A segment can be replaced between the load of its number and the open. Each time that happens another one is complete. */
#define OPEN_TRIES 100

static int open_error(void)
{
	return errno == ENOENT ? SM_ENOENT : SM_ESYSTEM;
}

static int open_head(const char *dir, const struct view_head **ret_head)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/view", dir) >= (int)sizeof(path))
		return SM_EINVAL;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return open_error();
	struct view_head *head;
	int error = view_map_head(fd, false, &head);
	close(fd);
	if (error)
		return error;
	if (VIEW_LOAD(&head->magic) == 0)
		error = SM_ENOENT; /* being made */
	else if (head->magic != VIEW_HEAD_MAGIC || head->page_bytes != VIEW_PAGE_BYTES)
		error = SM_EPROTO;
	else if (head->major != VIEW_MAJOR)
		error = SM_EVERSION;
	if (error)
		view_map_head_release(head);
	else
		*ret_head = head;
	return error;
}

/* Maps the segment that is current; sets the segment's fields of *ret_view. */
static int open_segment(const char *dir, const struct view_head *head, struct view *ret_view)
{
	int error = SM_ENOENT;
	for (int i = 0; i < OPEN_TRIES && error == SM_ENOENT; i++) {
		uint64_t number = VIEW_LOAD(&head->number);
		char path[PATH_MAX];
		if (number == 0)
			return SM_ENOENT;
		error = view_map_path(dir, number, path);
		if (error)
			return error;
		int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0) {
			error = open_error();
			continue;
		}
		error = view_map_segment(fd, false, ret_view);
		close(fd);
		if (!error && ret_view->number != number) {
			view_map_release(ret_view);
			error = SM_EPROTO;
		}
	}
	return error;
}

int view_open(const char *dir, struct view **ret_view)
{
	struct view *view = calloc(1, sizeof(*view));
	if (!view)
		return SM_ENOMEM;
	int error = 0;
	view->dir = realpath(dir, NULL); /* the process may change its directory before it refreshes */
	if (!view->dir)
		error = errno == ENOMEM ? SM_ENOMEM : open_error();
	if (!error)
		error = open_head(view->dir, &view->head);
	if (!error)
		error = open_segment(view->dir, view->head, view);
	if (error)
		view_close(view);
	else
		*ret_view = view;
	return error;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	view_map_release(view);
	view_map_head_release(view->head);
	free(view->dir);
	free(view);
}

bool view_is_stale(const struct view *view)
{
	return VIEW_LOAD(&view->head->number) != view->number;
}

int view_refresh(struct view *view)
{
	if (!view_is_stale(view))
		return 0;
	struct view next = *view;
	int error = open_segment(view->dir, view->head, &next);
	if (error)
		return error;
	view_map_release(view);
	*view = next;
	return 1;
}

uint64_t view_revision(const struct view *view)
{
	return VIEW_LOAD(&view->segment->revision);
}

uint64_t view_store_incarnation(const struct view *view)
{
	return VIEW_LOAD(&view->segment->store_incarnation);
}

const char *view_prefix(const struct view *view)
{
	return view_map_name(view, view->segment->prefix);
}

const char *view_manager_service(const struct view *view)
{
	return view_map_name(view, view->segment->manager_service);
}

uint64_t view_synced_at_ms(const struct view *view)
{
	return VIEW_LOAD(&view->segment->synced_at_ms);
}

void view_usage_get(const struct view *view, struct view_usage *ret_usage)
{
	const struct view_region *regions = view->segment->regions;
	uint64_t used = VIEW_PAGE_BYTES, garbage = 0;
	for (int i = 0; i < VIEW_REGIONS; i++) {
		bool table = i == VIEW_SLOTS || i == VIEW_SLOT_ROWS || i == VIEW_RING || i == VIEW_SIGHTINGS;
		used += regions[i].element_bytes * (table ? regions[i].capacity : VIEW_LOAD(&regions[i].used));
		garbage += regions[i].element_bytes * VIEW_LOAD(&regions[i].garbage);
	}
	*ret_usage = (struct view_usage){
		.segment_number = view->number,
		.segment_bytes = view->bytes,
		.bytes_used = used,
		.bytes_garbage = garbage,
		.shard_rows = VIEW_LOAD(&regions[VIEW_SHARDS].used),
		.container_rows = VIEW_LOAD(&regions[VIEW_CONTAINERS].used),
		.service_rows = VIEW_LOAD(&regions[VIEW_SERVICES].used),
	};
}

bool view_lookup(const struct view *view, const char *service, size_t service_bytes, const char *shard,
        size_t shard_bytes, uint32_t replica, struct view_owner *ret_owner)
{
	const struct view_segment *segment = view->segment;
	uint64_t fingerprint = view_hash(segment->seed, service, service_bytes, shard, shard_bytes, replica);
	const struct view_slot *slot = view_index_seek(view, fingerprint);
	if (!slot)
		return false;
	uint64_t owner = VIEW_LOAD(&slot->owner);
	if (view_index_is_tag(owner))
		return false;
	ret_owner->container = owner & VIEW_CONTAINER_MAX;
	ret_owner->token = owner >> VIEW_CONTAINER_BITS;
	if (owner)
		ret_owner->token |= VIEW_LOAD(&segment->store_incarnation) << 48;
	return true;
}
