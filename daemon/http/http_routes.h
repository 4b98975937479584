/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The one table of what is served, and the way from a request to its row.
 */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http_app.h"

const struct http_route *http_routes_table(unsigned *ret_count);
/* Answers the request, now or later. */
void http_routes_dispatch(struct http_app *app, struct http_request *request);

#endif
