/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_render.h"

#include "http_json.h"

#include <stdlib.h>
#include <string.h>

/* Guesses that spare most of the growing. */
#define ID_BYTES 32
#define DETAIL_BYTES 320

static char *render_services(const struct view *view, size_t *ret_bytes)
{
	struct http_json json;
	size_t count;
	const char **names = http_rows_services(view, &count);

	if (names == NULL)
		return NULL;
	names[count++] = view_manager_service(view);
	http_json_init(&json, count * ID_BYTES);
	http_json_open(&json, '{');
	http_json_key(&json, "services");
	http_json_open(&json, '[');
	for (size_t i = 0; i < count; i++)
		http_json_string(&json, names[i]);
	http_json_close(&json, ']');
	http_json_close(&json, '}');
	free(names);
	return http_json_take(&json, ret_bytes);
}

static bool is_configured(const struct view_shard *shard)
{
	return shard->exists && shard->replica == 0;
}

static void put_shards(struct http_json *json, const struct http_rows *rows)
{
	http_json_key(json, "shards");
	http_json_open(json, '[');
	for (size_t i = 0; i < rows->shard_count; i++)
		if (is_configured(&rows->shards[i]))
			http_json_string(json, rows->shards[i].id);
	http_json_close(json, ']');
}

static void put_workers(struct http_json *json, const char *key, const struct http_rows *rows)
{
	const struct view_worker *workers = rows->workers;

	http_json_key(json, key);
	http_json_open(json, '{');
	for (size_t i = 0; i < rows->worker_count; i++) {
		if (i == 0 || strcmp(workers[i].group, workers[i - 1].group) != 0) {
			http_json_key(json, workers[i].group);
			http_json_open(json, '[');
		}
		http_json_string(json, workers[i].container);
		if (i + 1 == rows->worker_count || strcmp(workers[i].group, workers[i + 1].group) != 0)
			http_json_close(json, ']');
	}
	http_json_close(json, '}');
}

static void put_spec(struct http_json *json, const char *name, const struct view_service *service)
{
	http_json_key(json, "spec");
	http_json_open(json, '{');
	http_json_key_string(json, "service", name);
	http_json_key_int(json, "createTime", service->create_time);
	http_json_key_int(json, "maxShardCount", service->max_shard_count);
	http_json_key_int(json, "maxRecoveryTime", service->max_recovery_time_s);
	http_json_close(json, '}');
}

static void put_shard_spec(struct http_json *json, const char *service, const struct view_shard *shard)
{
	http_json_key(json, shard->id);
	http_json_open(json, '{');
	http_json_key_string(json, "id", shard->id);
	http_json_key_string(json, "service", service);
	http_json_key_string(json, "task", shard->task);
	http_json_key_int(json, "updateTime", shard->update_time);
	http_json_key_string(json, "manualContainerId", shard->pin);
	http_json_key_string(json, "group", shard->group);
	http_json_key_string(json, "workerGroup", shard->worker_group);
	http_json_key(json, "lease");
	if (shard->lease_id == 0) {
		http_json_null(json);
	} else {
		http_json_open(json, '{');
		http_json_key_int(json, "id", shard->lease_id);
		http_json_key_int(json, "expire", shard->lease_expire);
		http_json_close(json, '}');
	}
	http_json_close(json, '}');
}

static void put_shard_specs(struct http_json *json, const char *service, const struct http_rows *rows)
{
	http_json_key(json, "shardSpec");
	http_json_open(json, '{');
	for (size_t i = 0; i < rows->shard_count; i++)
		if (is_configured(&rows->shards[i]))
			put_shard_spec(json, service, &rows->shards[i]);
	http_json_close(json, '}');
}

struct owned {
	const char *container, *shard;
};

static int by_owner(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = strcmp(x->container, y->container);

	return order != 0 ? order : strcmp(x->shard, y->shard);
}

/* The claims, by container and shard. NULL: out of memory. */
static struct owned *gather_owned(const struct view *view, const struct http_rows *rows, size_t *ret_count)
{
	struct owned *owned = malloc((rows->shard_count + 1) * sizeof(*owned));
	struct view_container container;
	uint32_t row;
	size_t count = 0;

	if (owned == NULL)
		return NULL;
	for (size_t i = 0; i < rows->shard_count; i++) {
		if (rows->shards[i].claim_container == 0)
			continue;
		row = view_container_by_number(view, rows->shards[i].claim_container);
		if (row == VIEW_NONE)
			continue;
		view_container_get(view, row, &container);
		owned[count++] = (struct owned){ container.id, rows->shards[i].id };
	}
	qsort(owned, count, sizeof(*owned), by_owner);
	*ret_count = count;
	return owned;
}

static void put_allocate(struct http_json *json, const struct view *view, const struct http_rows *rows)
{
	size_t count;
	struct owned *owned = gather_owned(view, rows, &count);

	if (owned == NULL) {
		json->failed = true;
		return;
	}
	http_json_key(json, "allocate");
	http_json_open(json, '{');
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(owned[i].container, owned[i - 1].container) != 0) {
			http_json_key(json, owned[i].container);
			http_json_open(json, '[');
		}
		http_json_string(json, owned[i].shard);
		if (i + 1 == count || strcmp(owned[i].container, owned[i + 1].container) != 0)
			http_json_close(json, ']');
	}
	http_json_close(json, '}');
	free(owned);
}

static void put_alive(struct http_json *json, const struct http_rows *rows)
{
	http_json_key(json, "aliveContainers");
	http_json_open(json, '[');
	for (size_t i = 0; i < rows->container_count; i++)
		http_json_string(json, rows->containers[i].id);
	http_json_close(json, ']');
}

static void put_unowned(struct http_json *json, const struct view *view, const struct http_rows *rows)
{
	http_json_key(json, "notAllocateShards");
	http_json_open(json, '[');
	for (size_t i = 0; i < rows->shard_count; i++)
		if (is_configured(&rows->shards[i]) && rows->shards[i].claim_container == 0)
			http_json_string(json, rows->shards[i].id);
	http_json_close(json, ']');
	http_json_key(json, "notReadyShards");
	http_json_open(json, '[');
	for (size_t i = 0; i < rows->shard_count; i++)
		if (rows->shards[i].claim_container != 0 && !http_rows_serving(view, &rows->shards[i]))
			http_json_string(json, rows->shards[i].id);
	http_json_close(json, ']');
}

static void put_detail(struct http_json *json, const struct view *view, const char *name, const struct http_rows *rows)
{
	put_spec(json, name, &rows->service);
	put_shard_specs(json, name, rows);
	put_workers(json, "workerGroup", rows);
	put_allocate(json, view, rows);
	put_alive(json, rows);
	put_unowned(json, view, rows);
}

char *http_render(
        enum http_render_kind kind, const struct view *view, uint32_t service, const char *name, size_t *ret_bytes)
{
	static const unsigned parts[] = { [HTTP_RENDER_SHARDS] = HTTP_ROWS_SHARDS,
		[HTTP_RENDER_WORKERS] = HTTP_ROWS_WORKERS,
		[HTTP_RENDER_DETAIL] = HTTP_ROWS_SHARDS | HTTP_ROWS_CONTAINERS | HTTP_ROWS_WORKERS };
	struct http_rows rows;
	struct http_json json;

	if (kind == HTTP_RENDER_SERVICES)
		return render_services(view, ret_bytes);
	if (http_rows_gather(view, service, parts[kind], &rows) != 0)
		return NULL;
	http_json_init(&json, rows.shard_count * (kind == HTTP_RENDER_DETAIL ? DETAIL_BYTES : ID_BYTES));
	http_json_open(&json, '{');
	if (kind == HTTP_RENDER_SHARDS)
		put_shards(&json, &rows);
	else if (kind == HTTP_RENDER_WORKERS)
		put_workers(&json, "workers", &rows);
	else
		put_detail(&json, view, name, &rows);
	http_json_close(&json, '}');
	http_rows_done(&rows);
	return http_json_take(&json, ret_bytes);
}

void http_render_status(struct http_json *json, const char *name, const struct http_rows_counts *counts)
{
	http_json_open(json, '{');
	http_json_key_string(json, "service", name);
	http_json_key_bool(json, "green", counts->serving == counts->shards);
	http_json_key_int(json, "shards", (int64_t)counts->shards);
	http_json_key_int(json, "serving", (int64_t)counts->serving);
	http_json_key_int(json, "unassigned", (int64_t)counts->unassigned);
	http_json_key_int(json, "claims", (int64_t)counts->claims);
	http_json_key_int(json, "containers", (int64_t)counts->containers);
	http_json_close(json, '}');
}
