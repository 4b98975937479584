/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The connections of the front: how many there are, and how long the request on each of them takes. evhttp knows neither: it has
 * no cap, and its timeout starts anew with every byte. A request's clock runs from its first byte (of a new connection: from accept) until its response is
 * written; all have the same time, so a list in order of starting and one timer are enough.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct http_conns;
struct http_conn;

struct http_conns_handler {
	void (*count_changed)(void *arg, unsigned count);   /* a connection came or went */
	void (*overdue)(void *arg, struct http_conn *conn); /* its time is over; the clock has started once more */
	void (*gone)(void *arg, struct http_conn *conn);    /* closed; freed when this returns */
};

/* NULL: out of memory. Everything in the loop's one thread. */
struct http_conns *http_conns_new(
        struct event_base *base, unsigned request_timeout_ms, const struct http_conns_handler *handler, void *arg);
void http_conns_free(struct http_conns *conns); /* after evhttp_free */
/* Makes evhttp report its connections here. */
void http_conns_watch(struct http_conns *conns, struct evhttp *http);

unsigned http_conns_count(const struct http_conns *conns);
bool http_conns_busy(
        const struct http_conns *conns); /* a request is under way on some connection that has sent a byte */
/* Makes every request that is under way overdue now. */
void http_conns_expire(struct http_conns *conns);
struct http_conn *http_conns_find(struct http_conns *conns, struct evhttp_connection *evcon);

/* The response is written: the clock stops, or starts anew when the next request is here already. */
void http_conn_responded(struct http_conn *conn);
void *http_conn_data(const struct http_conn *conn); /* whatever the caller has set, at first NULL */
void http_conn_set_data(struct http_conn *conn, void *data);
/* Closes at once; an answer that was not written is lost. */
void http_conn_close(struct http_conn *conn);
/* Writes text past evhttp, as far as the socket takes it now, and closes: for one who has not even sent a request. */
void http_conn_close_with(struct http_conn *conn, const char *text);

#endif
