/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One service's rows of the view, gathered and sorted by id, as people and sm-go expect them. Strings belong to the view.
 */
#ifndef HTTP_ROWS_H
#define HTTP_ROWS_H

#include "view_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_rows {
	struct view_service service;
	struct view_shard *shards; /* configured or claimed, by id and replica */
	size_t shard_count;
	struct view_container *containers; /* alive, by id */
	size_t container_count;
	struct view_worker *workers; /* by group and container */
	size_t worker_count;
};

enum http_rows_part { HTTP_ROWS_SHARDS = 1, HTTP_ROWS_CONTAINERS = 2, HTTP_ROWS_WORKERS = 4 };

/* 0 or SM_ENOMEM. parts: bits of what is wanted. service VIEW_NONE: nothing in any of them. */
int http_rows_gather(const struct view *view, uint32_t service, unsigned parts, struct http_rows *ret_rows);
void http_rows_done(struct http_rows *rows);

/* The claim is ready and its owner's session is the one that it was made under. */
bool http_rows_serving(const struct view *view, const struct view_shard *shard);

struct http_rows_counts {
	uint64_t shards;     /* configured */
	uint64_t serving;    /* of those: with an owner that serves */
	uint64_t unassigned; /* of those: without any claim */
	uint64_t claims, containers;
};
struct http_rows_counts http_rows_count(const struct view *view, uint32_t service);

/* The names of services that have a spec, sorted, with room for one more at the end. Caller frees the array; NULL: out of memory. */
const char **http_rows_services(const struct view *view, size_t *ret_count);

#endif
