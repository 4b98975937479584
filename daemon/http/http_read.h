/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The routes that read: answered from the view, and from the cache as long as the view's version words have not moved.
 */
#ifndef HTTP_READ_H
#define HTTP_READ_H

#include "http_app.h"
#include "http_rows.h"

http_route_fn http_read_health, http_read_services, http_read_shards, http_read_workers, http_read_detail,
        http_read_status;

/* The counts of one service, from the cache where they still hold. */
struct http_rows_counts http_read_counts(
        struct http_app *app, const struct view *view, uint32_t service, const char *name);

#endif
