/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Connections: head, body, answer, and again. While an answer is due nothing is parsed.
 */
#include "container_http.h"

#include "shardmgr.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum stage { IDLE, HEAD, BODY, ANSWERING, CLOSING };

struct container_exchange {
	struct container_exchange *next, **at;
	struct container_http *http;
	struct bufferevent *bev;
	struct event *late; /* idle, or a request that takes too long */
	enum stage stage;
	struct container_request request;
	void *user;
};

struct container_http {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *resume; /* accepts again after it failed */
	const struct container_http_handler *handler;
	void *arg;
	size_t most_bytes;
	unsigned count;
	struct container_exchange *first;
};

static void read_more(struct container_exchange *exchange);

/* ---- life of a connection ---- */

static void exchange_free(struct container_exchange *exchange)
{
	struct container_http *http = exchange->http;

	*exchange->at = exchange->next;
	if (exchange->next)
		exchange->next->at = exchange->at;
	if (exchange->bev)
		bufferevent_free(exchange->bev);
	if (exchange->late)
		event_free(exchange->late);
	free(exchange);
	http->count--;
	evconnlistener_enable(http->listener);
}

static void drop(struct container_exchange *exchange)
{
	struct container_http *http = exchange->http;
	bool due = exchange->stage == ANSWERING;
	void *user = exchange->user;

	exchange_free(exchange);
	if (due)
		http->handler->gone(http->arg, user);
}

static void set_stage(struct container_exchange *exchange, enum stage stage)
{
	struct timeval idle = { .tv_sec = CONTAINER_HTTP_IDLE_S }, request = { .tv_sec = CONTAINER_HTTP_REQUEST_S };

	exchange->stage = stage;
	if (stage == IDLE)
		event_add(exchange->late, &idle);
	else if (stage == HEAD)
		event_add(exchange->late, &request);
	else if (stage == ANSWERING)
		event_del(exchange->late);
}

/* ---- answers ---- */

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = { { 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "";
}

static void after_answer(struct container_exchange *exchange)
{
	exchange->user = NULL;
	if (!exchange->request.keep_alive) {
		exchange->stage = CLOSING;
		bufferevent_disable(exchange->bev, EV_READ);
		/* on_written closes; when everything is out already it is called all the same. */
		bufferevent_trigger(exchange->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
		return;
	}
	set_stage(exchange, IDLE);
	/* What came meanwhile; deferred, for the caller is still busy with this answer. */
	bufferevent_trigger(exchange->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void container_exchange_set_user(struct container_exchange *exchange, void *user)
{
	exchange->user = user;
}

void container_exchange_answer(struct container_exchange *exchange, int status, const char *json)
{
	size_t bytes = strlen(json);

	evbuffer_add_printf(bufferevent_get_output(exchange->bev),
	        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status,
	        reason(status), bytes, exchange->request.keep_alive ? "" : "Connection: close\r\n", json);
	after_answer(exchange);
}

void container_exchange_begin(struct container_exchange *exchange)
{
	evbuffer_add_printf(bufferevent_get_output(exchange->bev),
	        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n%s\r\n",
	        exchange->request.keep_alive ? "" : "Connection: close\r\n");
}

void container_exchange_line(struct container_exchange *exchange, const char *line, size_t bytes)
{
	struct evbuffer *output = bufferevent_get_output(exchange->bev);

	evbuffer_add_printf(output, "%zx\r\n", bytes + 1);
	evbuffer_add(output, line, bytes);
	evbuffer_add(output, "\n\r\n", 3);
}

void container_exchange_end(struct container_exchange *exchange)
{
	evbuffer_add(bufferevent_get_output(exchange->bev), "0\r\n\r\n", 5);
	after_answer(exchange);
}

/* The request is not one: says so and ends the connection. */
static void refuse(struct container_exchange *exchange, int status, const char *error)
{
	char json[160];

	exchange->request.keep_alive = false;
	evutil_snprintf(json, sizeof json, "{\"error\":\"%s\"}", error);
	container_exchange_answer(exchange, status, json);
}

/* ---- requests ---- */

/* false: wait for more, or it was refused. */
static bool take_head(struct container_exchange *exchange)
{
	struct evbuffer *input = bufferevent_get_input(exchange->bev);
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	const char *error;

	if (end.pos < 0 && evbuffer_get_length(input) < CONTAINER_HTTP_HEAD_BYTES)
		return false;
	if (end.pos < 0 || (size_t)end.pos + 4 > CONTAINER_HTTP_HEAD_BYTES) {
		refuse(exchange, 431, "the header is too long");
		return false;
	}
	size_t bytes = (size_t)end.pos + 4;
	const char *head = (const char *)evbuffer_pullup(input, (ev_ssize_t)bytes);
	int status = head ? container_request_parse(head, bytes, exchange->http->most_bytes, &exchange->request, &error)
	                  : 500;
	if (status != 0) {
		refuse(exchange, status, head ? error : "out of memory");
		return false;
	}
	evbuffer_drain(input, bytes);
	exchange->stage = BODY;
	if (exchange->request.expects_continue)
		evbuffer_add_printf(bufferevent_get_output(exchange->bev), "HTTP/1.1 100 Continue\r\n\r\n");
	size_t watermark = exchange->request.content_bytes > CONTAINER_HTTP_HEAD_BYTES ? exchange->request.content_bytes
	                                                                               : CONTAINER_HTTP_HEAD_BYTES;
	bufferevent_setwatermark(exchange->bev, EV_READ, 0, watermark);
	return true;
}

static void hand_up(struct container_exchange *exchange)
{
	struct container_http *http = exchange->http;
	size_t bytes = exchange->request.content_bytes;
	char *body = malloc(bytes + 1);

	if (!body) {
		refuse(exchange, 500, "out of memory");
		return;
	}
	evbuffer_remove(bufferevent_get_input(exchange->bev), body, bytes);
	body[bytes] = '\0';
	bufferevent_setwatermark(exchange->bev, EV_READ, 0, CONTAINER_HTTP_HEAD_BYTES);
	set_stage(exchange, ANSWERING);
	http->handler->request(http->arg, exchange, &exchange->request, body, bytes);
	free(body);
}

static void read_more(struct container_exchange *exchange)
{
	struct evbuffer *input = bufferevent_get_input(exchange->bev);

	if (exchange->stage == IDLE && evbuffer_get_length(input) > 0)
		set_stage(exchange, HEAD);
	if (exchange->stage == HEAD && !take_head(exchange))
		return;
	if (exchange->stage == BODY && evbuffer_get_length(input) >= exchange->request.content_bytes)
		hand_up(exchange);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	read_more(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct container_exchange *exchange = arg;

	if (exchange->stage == CLOSING && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		drop(exchange);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	drop(arg);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drop(arg);
}

/* ---- connections ---- */

static void on_accept(
        struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int bytes, void *arg)
{
	struct container_http *http = arg;
	struct container_exchange *exchange = calloc(1, sizeof *exchange);
	struct timeval unread = { .tv_sec = CONTAINER_HTTP_UNREAD_S };

	(void)address;
	(void)bytes;
	if (!exchange) {
		close(fd);
		return;
	}
	exchange->http = http;
	exchange->at = &http->first;
	exchange->next = http->first;
	if (exchange->next)
		exchange->next->at = &exchange->next;
	http->first = exchange;
	if (++http->count >= CONTAINER_HTTP_CONNECTIONS)
		evconnlistener_disable(listener);
	exchange->late = evtimer_new(http->base, on_late, exchange);
	exchange->bev = bufferevent_socket_new(http->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!exchange->late || !exchange->bev) {
		if (!exchange->bev)
			close(fd);
		exchange_free(exchange);
		return;
	}
	bufferevent_setcb(exchange->bev, on_readable, on_written, on_end, exchange);
	bufferevent_set_timeouts(exchange->bev, NULL, &unread);
	bufferevent_setwatermark(exchange->bev, EV_READ, 0, CONTAINER_HTTP_HEAD_BYTES);
	set_stage(exchange, IDLE);
	bufferevent_enable(exchange->bev, EV_READ | EV_WRITE);
}

/* Out of descriptors, most likely: the backlog keeps who waits. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct container_http *http = arg;
	struct timeval pause = { .tv_sec = 1 };

	evconnlistener_disable(listener);
	event_add(http->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct container_http *http = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(http->listener);
}

int container_http_new(struct event_base *base, int fd, size_t most_bytes, const struct container_http_handler *handler,
        void *arg, struct container_http **ret_http)
{
	struct container_http *http = calloc(1, sizeof *http);

	if (!http) {
		close(fd);
		return SM_ENOMEM;
	}
	http->base = base;
	http->handler = handler;
	http->arg = arg;
	http->most_bytes = most_bytes;
	http->listener =
	        evconnlistener_new(base, on_accept, http, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	http->resume = evtimer_new(base, on_resume, http);
	if (!http->listener || !http->resume) {
		if (!http->listener)
			close(fd);
		container_http_free(http);
		return SM_ESYSTEM;
	}
	evconnlistener_set_error_cb(http->listener, on_accept_error);
	*ret_http = http;
	return 0;
}

void container_http_free(struct container_http *http)
{
	if (!http)
		return;
	while (http->first)
		exchange_free(http->first);
	if (http->listener)
		evconnlistener_free(http->listener);
	if (http->resume)
		event_free(http->resume);
	free(http);
}
