/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_rows.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for one more element of a growing array. False: out of memory, the array stays. */
static bool grow(void **array, size_t count, size_t element_bytes)
{
	void *more;

	if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
		return true;
	more = realloc(*array, (count < 16 ? 16 : count * 2) * element_bytes);
	if (more == NULL)
		return false;
	*array = more;
	return true;
}

static int by_shard(const void *a, const void *b)
{
	const struct view_shard *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order != 0 ? order : (x->replica > y->replica) - (x->replica < y->replica);
}

static int by_container(const void *a, const void *b)
{
	return strcmp(((const struct view_container *)a)->id, ((const struct view_container *)b)->id);
}

static int by_worker(const void *a, const void *b)
{
	const struct view_worker *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	return order != 0 ? order : strcmp(x->container, y->container);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(void *array, size_t count, size_t element_bytes, int (*order)(const void *, const void *))
{
	if (count > 1)
		qsort(array, count, element_bytes, order);
}

static int gather_shards(const struct view *view, uint32_t service, struct http_rows *rows)
{
	struct view_shard shard;

	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row)) {
		view_shard_get(view, row, &shard);
		if (!shard.exists && shard.claim_container == 0)
			continue;
		if (!grow((void **)&rows->shards, rows->shard_count, sizeof(shard)))
			return SM_ENOMEM;
		rows->shards[rows->shard_count++] = shard;
	}
	sort(rows->shards, rows->shard_count, sizeof(shard), by_shard);
	return 0;
}

static int gather_containers(const struct view *view, uint32_t service, struct http_rows *rows)
{
	struct view_container container;

	for (uint32_t row = view_container_first(view, service); row != VIEW_NONE;
	        row = view_container_next(view, row)) {
		view_container_get(view, row, &container);
		if (!container.alive)
			continue;
		if (!grow((void **)&rows->containers, rows->container_count, sizeof(container)))
			return SM_ENOMEM;
		rows->containers[rows->container_count++] = container;
	}
	sort(rows->containers, rows->container_count, sizeof(container), by_container);
	return 0;
}

static int gather_workers(const struct view *view, uint32_t service, struct http_rows *rows)
{
	for (uint32_t row = view_worker_first(view, service); row != VIEW_NONE; row = view_worker_next(view, row)) {
		if (!grow((void **)&rows->workers, rows->worker_count, sizeof(*rows->workers)))
			return SM_ENOMEM;
		view_worker_get(view, row, &rows->workers[rows->worker_count++]);
	}
	sort(rows->workers, rows->worker_count, sizeof(*rows->workers), by_worker);
	return 0;
}

int http_rows_gather(const struct view *view, uint32_t service, unsigned parts, struct http_rows *ret_rows)
{
	struct http_rows rows = { 0 };
	int error = 0;

	if (service != VIEW_NONE) {
		view_service_get(view, service, &rows.service);
		if ((parts & HTTP_ROWS_SHARDS) != 0)
			error = gather_shards(view, service, &rows);
		if (error == 0 && (parts & HTTP_ROWS_CONTAINERS) != 0)
			error = gather_containers(view, service, &rows);
		if (error == 0 && (parts & HTTP_ROWS_WORKERS) != 0)
			error = gather_workers(view, service, &rows);
	}
	if (error != 0) {
		http_rows_done(&rows);
		return error;
	}
	*ret_rows = rows;
	return 0;
}

void http_rows_done(struct http_rows *rows)
{
	free(rows->shards);
	free(rows->containers);
	free(rows->workers);
	*rows = (struct http_rows){ 0 };
}

bool http_rows_serving(const struct view *view, const struct view_shard *shard)
{
	struct view_container owner;
	uint32_t row;

	if (shard->claim_container == 0 || !shard->ready)
		return false;
	row = view_container_by_number(view, shard->claim_container);
	if (row == VIEW_NONE)
		return false;
	view_container_get(view, row, &owner);
	return owner.alive && owner.incarnation == shard->claim_incarnation;
}

struct http_rows_counts http_rows_count(const struct view *view, uint32_t service)
{
	struct http_rows_counts counts = { 0 };
	struct view_service of;
	struct view_shard shard;

	if (service == VIEW_NONE)
		return counts;
	view_service_get(view, service, &of);
	counts.containers = of.container_count;
	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row)) {
		view_shard_get(view, row, &shard);
		counts.claims += shard.claim_container != 0;
		if (!shard.exists)
			continue;
		counts.shards++;
		counts.unassigned += shard.claim_container == 0;
		counts.serving += http_rows_serving(view, &shard);
	}
	return counts;
}

const char **http_rows_services(const struct view *view, size_t *ret_count)
{
	const char **names = NULL;
	size_t count = 0;
	struct view_service service;

	if (!grow((void **)&names, 0, sizeof(*names)))
		return NULL;
	for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row)) {
		view_service_get(view, row, &service);
		if (!service.exists || strcmp(service.name, view_manager_service(view)) == 0)
			continue;
		names[count++] = service.name;
		if (!grow((void **)&names, count, sizeof(*names))) {
			free(names);
			return NULL;
		}
	}
	sort(names, count, sizeof(*names), by_name);
	*ret_count = count;
	return names;
}
