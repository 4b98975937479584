/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The container's HTTP front: takes requests off connections and hands them up, one at a time per connection; answers are whole, or lines
 * as they come. Bounded in everything: connections, head, body, time for a whole request, time that an answer may stand unread.
 */
#ifndef CONTAINER_HTTP_H
#define CONTAINER_HTTP_H

#include "container_request.h"

#include <event2/event.h>

#define CONTAINER_HTTP_CONNECTIONS 128
#define CONTAINER_HTTP_HEAD_BYTES (16u * 1024u)
#define CONTAINER_HTTP_REQUEST_S 30 /* from its first byte to its last */
#define CONTAINER_HTTP_IDLE_S 120   /* between two requests */
#define CONTAINER_HTTP_UNREAD_S 60

struct container_http;
struct container_exchange; /* one request and its answer */

struct container_http_handler {
	/* Answer it, now or later, by exactly one of answer, or begin and end. body is terminated. */
	void (*request)(void *arg, struct container_exchange *exchange, const struct container_request *request,
	        const char *body, size_t body_bytes);
	/* The other side is gone before the answer was whole; the exchange must not be touched any more. user: set below, may be NULL. */
	void (*gone)(void *arg, void *user);
};

/* Takes the listening descriptor over, also on failure. most_bytes: longest body. SM_ENOMEM, SM_ESYSTEM. */
int container_http_new(struct event_base *base, int fd, size_t most_bytes, const struct container_http_handler *handler,
        void *arg, struct container_http **ret_http);
/* Ends all connections without calling back. */
void container_http_free(struct container_http *http);

void container_exchange_set_user(struct container_exchange *exchange, void *user);
void container_exchange_answer(struct container_exchange *exchange, int status, const char *json);
void container_exchange_begin(struct container_exchange *exchange); /* 200, application/x-ndjson, chunked */
void container_exchange_line(struct container_exchange *exchange, const char *line, size_t bytes);
void container_exchange_end(struct container_exchange *exchange);

#endif
