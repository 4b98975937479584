/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Counts of requests, and everything that is counted or measured as /metrics prints it (Prometheus' text format).
 */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "http_app.h"

/* routes: what the request tags index; tag count: no route. NULL: out of memory. */
struct http_metrics *http_metrics_new(const struct http_route *routes, unsigned count);
void http_metrics_free(struct http_metrics *metrics);
void http_metrics_count(struct http_metrics *metrics, unsigned tag, int status);

http_route_fn http_metrics_reply;

#endif
