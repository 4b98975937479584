/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * HTTP on an inherited listening socket: a small layer over evhttp that adds what it lacks (a cap on connections, a time limit on
 * whole requests, correct HEAD) and hides it from the routes. A request is answered exactly once, at once or later.
 *
 * What evhttp answers by itself, as a short HTML page: 400 to what is not HTTP or has too long a header, 413 to too long a body.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http_body.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

struct http_server;

struct http_request {
	unsigned method;   /* EVHTTP_REQ_… bit; another word than these: none of them */
	const char *path;  /* as sent, still encoded */
	const char *query; /* as sent, NULL = none */
	unsigned tag;      /* the handler's own */
	/* Set by who keeps the request: called when its time is over, and has to answer it. */
	void (*overdue)(struct http_request *request, void *arg);
	void *overdue_arg;
	struct http_request_private *private;
};

struct http_server_options {
	int listen_fd; /* taken over; closing it leaves the supervisor's copy open */
	unsigned max_connections;
	size_t max_header_bytes, max_body_bytes;
	unsigned request_timeout_ms;
};
struct http_server_handler {
	void (*request)(void *arg, struct http_request *request);
	void (*replied)(void *arg, const struct http_request *request, int status);
};

/* 0 or SM_ENOMEM. */
int http_server_new(struct event_base *base, const struct http_server_options *options,
        const struct http_server_handler *handler, void *arg, struct http_server **ret_server);
void http_server_free(struct http_server *server);

/* Accepts nothing from now on and closes connections as they are answered; drained is called when nothing is under way, at the latest
 * after 4 s: what is not answered by then is overdue. */
void http_server_stop(struct http_server *server, void (*drained)(void *arg), void *arg);

struct http_server_counts {
	unsigned connections;
	unsigned long long accepted, refused, overdue;
};
struct http_server_counts http_server_counts(const struct http_server *server);

/* NULL when the request has no such header. */
const char *http_request_header(const struct http_request *request, const char *name);
/* The body in one piece; not terminated; valid until the reply. */
const char *http_request_body(struct http_request *request, size_t *ret_bytes);

/* Before the reply. */
void http_request_add_header(struct http_request *request, const char *name, const char *value);
/* Answers and frees the request; body is borrowed. A client that is gone meanwhile is nothing to worry about. */
void http_request_reply(struct http_request *request, int status, const char *type, struct http_body *body);

#endif
