/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The API document (Swagger 2.0), made from the table of routes, and a page that shows it without anything from elsewhere.
 */
#ifndef HTTP_SWAGGER_H
#define HTTP_SWAGGER_H

#include "http_app.h"

/* NULL: out of memory. */
struct http_body *http_swagger_new(const struct http_route *routes, size_t count);

http_route_fn http_swagger_document, http_swagger_page;

#endif
