/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the routes share, and what a route is. One thread.
 */
#ifndef HTTP_APP_H
#define HTTP_APP_H

#include "common/config.h"
#include "http_cache.h"
#include "http_command.h"
#include "http_input.h"
#include "http_server.h"
#include "http_view.h"

struct http_metrics;

struct http_app {
	const struct config *config;
	struct http_view *view;
	struct http_cache *cache;
	struct http_command *command;
	struct http_server *server;
	struct http_metrics *metrics;
	struct http_body *empty_object, *health, *api; /* "{}"; what health answers; the API document */
};

struct http_route;
typedef void http_route_fn(struct http_app *app, struct http_request *request, const struct http_route *route);

enum http_route_kind {
	HTTP_ROUTE_READ,   /* any method, as sm-go */
	HTTP_ROUTE_CHANGE, /* any method but GET and HEAD, which other sites' pages can make a browser send */
	HTTP_ROUTE_DELETE  /* a change, and by GET where the configuration says compat.getDelSpec */
};

struct http_route {
	const char *path;
	enum http_route_kind kind;
	http_route_fn *handle;
	const char *op; /* of common/command.h, for changes */
	const struct http_field *fields;
	size_t field_count;
	bool takes_service;           /* ?service=S */
	bool batch;                   /* fields: the service, then those of every element of "shards" */
	const char *summary, *answer; /* for the API document: what it does, what a 200 looks like */
};

#endif
