/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the reading routes answer, rendered from the view: the shapes that sm-go prints, and two of ours ("notReadyShards" of detail, status).
 * No I/O, no cache.
 */
#ifndef HTTP_RENDER_H
#define HTTP_RENDER_H

#include "http_rows.h"

enum http_render_kind {
	HTTP_RENDER_SERVICES, /* {"services":[…]}: sorted, the manager's own last; service is not looked at */
	HTTP_RENDER_SHARDS,   /* {"shards":[…]} */
	HTTP_RENDER_WORKERS,  /* {"workers":{group:[…]}} */
	HTTP_RENDER_DETAIL /* {"spec","shardSpec","workerGroup","allocate","aliveContainers","notAllocateShards","notReadyShards"} */
};

/* The text, which the caller frees; NULL: out of memory. service: a row, or VIEW_NONE for one that has nothing; name: the service's. */
char *http_render(
        enum http_render_kind kind, const struct view *view, uint32_t service, const char *name, size_t *ret_bytes);

struct http_json;
/* One service's line of status. */
void http_render_status(struct http_json *json, const char *name, const struct http_rows_counts *counts);

#endif
