/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_conn.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct http_conn {
	TAILQ_ENTRY(http_conn) entry; /* of clocked, or of adopting */
	struct http_conns *conns;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	void *data;
	uint64_t overdue_ms;
	bool clocked;
	bool active; /* clocked, and a byte of the request has come */
};
TAILQ_HEAD(conn_list, http_conn);

struct http_conns {
	struct event_base *base;
	const struct http_conns_handler *handler;
	void *arg;
	unsigned request_timeout_ms, count, active;
	struct conn_list clocked;  /* in order of overdue_ms */
	struct conn_list adopting; /* made by evhttp, which has not told us yet for which connection */
	struct event *adopt, *timer;
	struct http_conn **by_fd;
	size_t by_fd_room;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void arm_timer(struct http_conns *conns, uint64_t now)
{
	const struct http_conn *first = TAILQ_FIRST(&conns->clocked);
	uint64_t wait_ms;
	struct timeval tv;

	if (first == NULL || evtimer_pending(conns->timer, NULL))
		return;
	wait_ms = first->overdue_ms > now ? first->overdue_ms - now : 0;
	tv.tv_sec = (time_t)(wait_ms / 1000);
	tv.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000 + 999);
	evtimer_add(conns->timer, &tv);
}

static void stop_clock(struct http_conn *conn)
{
	if (!conn->clocked)
		return;
	TAILQ_REMOVE(&conn->conns->clocked, conn, entry);
	conn->clocked = false;
	conn->conns->active -= conn->active;
	conn->active = false;
}

/* The timer is left alone: when it goes off early it finds nothing overdue and is armed for the list's first. */
static void start_clock(struct http_conn *conn, bool active)
{
	struct http_conns *conns = conn->conns;
	uint64_t now = now_ms();

	stop_clock(conn);
	conn->overdue_ms = now + conns->request_timeout_ms;
	conn->clocked = true;
	conn->active = active;
	conns->active += active;
	TAILQ_INSERT_TAIL(&conns->clocked, conn, entry);
	arm_timer(conns, now);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct http_conns *conns = arg;
	struct http_conn *conn;
	uint64_t now = now_ms();

	(void)fd;
	(void)events;
	while ((conn = TAILQ_FIRST(&conns->clocked)) != NULL && conn->overdue_ms <= now) {
		start_clock(conn, conn->active);
		conns->handler->overdue(conns->arg, conn);
	}
	arm_timer(conns, now);
}

void http_conns_expire(struct http_conns *conns)
{
	struct http_conn *conn;

	TAILQ_FOREACH(conn, &conns->clocked, entry)
		conn->overdue_ms = 0;
	on_timer(-1, 0, conns);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	(void)input;
	if (info->n_added == 0 || conn->active || conn->evcon == NULL)
		return;
	if (conn->clocked) {
		conn->active = true;
		conn->conns->active++;
	} else {
		start_clock(conn, true);
	}
}

static void forget(struct http_conn *conn)
{
	struct http_conns *conns = conn->conns;

	conns->count--;
	free(conn);
	conns->handler->count_changed(conns->arg, conns->count);
}

static void on_closed(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *conn = arg;
	struct http_conns *conns = conn->conns;
	evutil_socket_t fd = bufferevent_getfd(conn->bev);

	(void)evcon;
	evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
	stop_clock(conn);
	if (fd >= 0 && (size_t)fd < conns->by_fd_room && conns->by_fd[fd] == conn)
		conns->by_fd[fd] = NULL;
	conns->handler->gone(conns->arg, conn);
	forget(conn);
}

static bool place_by_fd(struct http_conns *conns, struct http_conn *conn, evutil_socket_t fd)
{
	size_t room = conns->by_fd_room;
	struct http_conn **table;

	while (room <= (size_t)fd)
		room *= 2;
	if (room != conns->by_fd_room) {
		table = realloc(conns->by_fd, room * sizeof(*table));
		if (table == NULL)
			return false;
		memset(table + conns->by_fd_room, 0, (room - conns->by_fd_room) * sizeof(*table));
		conns->by_fd = table;
		conns->by_fd_room = room;
	}
	conns->by_fd[fd] = conn;
	return true;
}

/* evhttp sets itself as the argument of its bufferevent's callbacks; that is the only way from the one to the other that it offers. */
static void adopt(struct http_conns *conns, struct http_conn *conn)
{
	evutil_socket_t fd = bufferevent_getfd(conn->bev);
	void *evcon = NULL;

	bufferevent_getcb(conn->bev, NULL, NULL, NULL, &evcon);
	if (evcon == NULL) {
		bufferevent_decref(conn->bev);
		forget(conn);
		return;
	}
	assert(evhttp_connection_get_bufferevent(evcon) == conn->bev);
	bufferevent_decref(conn->bev);
	if (fd < 0 || !place_by_fd(conns, conn, fd)) {
		forget(conn);
		evhttp_connection_free(evcon);
		return;
	}
	conn->evcon = evcon;
	evhttp_connection_set_closecb(evcon, on_closed, conn);
	evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn);
	start_clock(conn, false);
}

static void on_adopt(evutil_socket_t fd, short events, void *arg)
{
	struct http_conns *conns = arg;
	struct http_conn *conn;

	(void)fd;
	(void)events;
	while ((conn = TAILQ_FIRST(&conns->adopting)) != NULL) {
		TAILQ_REMOVE(&conns->adopting, conn, entry);
		adopt(conns, conn);
	}
}

/* evhttp asks for the bufferevent of a connection that it is about to make. The connection itself is looked up as soon as evhttp is
 * done with it: before the loop polls again, hence before its first byte. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct http_conns *conns = arg;
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->conns = conns;
	conn->bev = bufferevent_socket_new(base, -1, 0);
	if (conn->bev == NULL) {
		free(conn);
		return NULL;
	}
	bufferevent_incref(conn->bev);
	TAILQ_INSERT_TAIL(&conns->adopting, conn, entry);
	event_active(conns->adopt, EV_TIMEOUT, 0);
	conns->count++;
	conns->handler->count_changed(conns->arg, conns->count);
	return conn->bev;
}

struct http_conns *http_conns_new(
        struct event_base *base, unsigned request_timeout_ms, const struct http_conns_handler *handler, void *arg)
{
	struct http_conns *conns = calloc(1, sizeof(*conns));

	if (conns == NULL)
		return NULL;
	*conns = (struct http_conns){
		.base = base, .handler = handler, .arg = arg, .request_timeout_ms = request_timeout_ms, .by_fd_room = 64
	};
	TAILQ_INIT(&conns->clocked);
	TAILQ_INIT(&conns->adopting);
	conns->by_fd = calloc(conns->by_fd_room, sizeof(*conns->by_fd));
	conns->adopt = event_new(base, -1, 0, on_adopt, conns);
	conns->timer = evtimer_new(base, on_timer, conns);
	if (conns->by_fd == NULL || conns->adopt == NULL || conns->timer == NULL) {
		http_conns_free(conns);
		return NULL;
	}
	return conns;
}

void http_conns_free(struct http_conns *conns)
{
	struct http_conn *conn;

	if (conns == NULL)
		return;
	while ((conn = TAILQ_FIRST(&conns->adopting)) != NULL) {
		TAILQ_REMOVE(&conns->adopting, conn, entry);
		bufferevent_decref(conn->bev);
		free(conn);
	}
	if (conns->adopt != NULL)
		event_free(conns->adopt);
	if (conns->timer != NULL)
		event_free(conns->timer);
	free(conns->by_fd);
	free(conns);
}

void http_conns_watch(struct http_conns *conns, struct evhttp *http)
{
	evhttp_set_bevcb(http, on_accept, conns);
}

unsigned http_conns_count(const struct http_conns *conns)
{
	return conns->count;
}

bool http_conns_busy(const struct http_conns *conns)
{
	return conns->active > 0 || !TAILQ_EMPTY(&conns->adopting);
}

struct http_conn *http_conns_find(struct http_conns *conns, struct evhttp_connection *evcon)
{
	evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));

	assert(fd >= 0 && (size_t)fd < conns->by_fd_room && conns->by_fd[fd] != NULL &&
	        conns->by_fd[fd]->evcon == evcon);
	return conns->by_fd[fd];
}

void http_conn_responded(struct http_conn *conn)
{
	stop_clock(conn);
	if (evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0)
		start_clock(conn, true);
}

void *http_conn_data(const struct http_conn *conn)
{
	return conn->data;
}

void http_conn_set_data(struct http_conn *conn, void *data)
{
	conn->data = data;
}

void http_conn_close(struct http_conn *conn)
{
	evhttp_connection_free(conn->evcon);
}

void http_conn_close_with(struct http_conn *conn, const char *text)
{
	evutil_socket_t fd = bufferevent_getfd(conn->bev);

	if (conn->active && evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0)
		(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	http_conn_close(conn);
}
