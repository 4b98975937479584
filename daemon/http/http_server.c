/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_server.h"

#include "http_conn.h"
#include "shardmgr.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEEP_ALIVE_S 75
#define DRAIN_POLL_MS 20
#define DRAIN_POLLS 200 /* 4 s: the supervisor kills after 5 */

struct http_request_private {
	struct http_request request;
	struct http_server *server;
	struct evhttp_request *ev; /* NULL: the connection is gone, and it with it */
	struct http_conn *conn;
};

struct http_server {
	struct evhttp *http;
	struct http_conns *conns;
	struct evconnlistener *listener,
	        *refuser; /* on one descriptor; one of the two is enabled, none when stopping */
	struct http_server_options options;
	const struct http_server_handler *handler;
	void *arg;
	struct http_server_counts counts;
	bool stopping;
	struct event *drain;
	unsigned polls, quiet_polls;
	void (*drained)(void *arg);
	void *drained_arg;
	time_t date_of;
	char date[40];
};

#define RAW_RESPONSE(status, text)                                                                                     \
	"HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"error\":\"" text "\"}"

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = { { 200, "OK" }, { 204, "No Content" }, { 400, "Bad Request" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 500, "Internal Server Error" },
		{ 503, "Service Unavailable" } };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

/* ---- connections ---- */

static void on_count_changed(void *arg, unsigned count)
{
	struct http_server *server = arg;

	if (server->stopping || server->listener == NULL)
		return;
	if (count >= server->options.max_connections) {
		evconnlistener_disable(server->listener);
		evconnlistener_enable(server->refuser);
	} else {
		evconnlistener_disable(server->refuser);
		evconnlistener_enable(server->listener);
	}
}

static void on_refuse(
        struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length, void *arg)
{
	static const char text[] = RAW_RESPONSE("503 Service Unavailable",
	        "too many connections: close some, or raise maxConnections in the configuration");
	struct http_server *server = arg;
	char request[4096];

	(void)listener;
	(void)address;
	(void)length;
	server->counts.refused++;
	/* Closing a socket with unread bytes resets it, and the answer might not arrive. */
	(void)!recv(fd, request, sizeof(request), MSG_DONTWAIT);
	(void)!send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void on_overdue(void *arg, struct http_conn *conn)
{
	struct http_server *server = arg;
	struct http_request_private *private = http_conn_data(conn);

	server->counts.overdue++;
	if (private == NULL)
		http_conn_close_with(conn, RAW_RESPONSE("408 Request Timeout",
		                                   "the request did not arrive whole in time: send it faster, or raise "
		                                   "requestTimeoutMs in the configuration"));
	else if (private->request.overdue != NULL)
	private->request.overdue(&private->request, private->request.overdue_arg);
	else http_conn_close(conn);
}

static void on_gone(void *arg, struct http_conn *conn)
{
	struct http_request_private *private = http_conn_data(conn);

	(void)arg;
	if (private != NULL) {
		private->ev = NULL;
		private->conn = NULL;
	}
}

static const struct http_conns_handler conns_handler = { on_count_changed, on_overdue, on_gone };

/* ---- requests ---- */

static void on_responded(struct evhttp_request *ev, void *arg)
{
	(void)ev;
	http_conn_responded(arg);
}

static void on_request(struct evhttp_request *ev, void *arg)
{
	struct http_server *server = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	struct http_request_private *private = calloc(1, sizeof(*private));

	if (private == NULL) {
		evhttp_send_error(ev, 503, NULL);
		return;
	}
	private->server = server;
	private->ev = ev;
	private->conn = http_conns_find(server->conns, evhttp_request_get_connection(ev));
	private->request.private = private;
	private->request.method = evhttp_request_get_command(ev);
	private->request.path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	private->request.query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
	if (private->request.path == NULL)
	private->request.path = "";
	http_conn_set_data(private->conn, private);
	evhttp_request_set_on_complete_cb(ev, on_responded, private->conn);
	server->handler->request(server->arg, &private->request);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(request->private->ev), name);
}

const char *http_request_body(struct http_request *request, size_t *ret_bytes)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request->private->ev);

	*ret_bytes = evbuffer_get_length(input);
	return *ret_bytes == 0 ? "" : (const char *)evbuffer_pullup(input, -1);
}

void http_request_add_header(struct http_request *request, const char *name, const char *value)
{
	if (request->private->ev != NULL)
		evhttp_add_header(evhttp_request_get_output_headers(request->private->ev), name, value);
}

/* evhttp would print the date anew for every response. */
static const char *date_now(struct http_server *server)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != server->date_of) {
		gmtime_r(&now, &tm);
		strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		server->date_of = now;
	}
	return server->date;
}

static void send_reply(struct http_request_private *private, int status, const char *type, struct http_body *body)
{
	struct evhttp_request *ev = private->ev;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(ev);
	struct http_server *server = private->server;
	unsigned method = private->request.method;
	char length[24];

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Date", date_now(server));
	if (server->stopping || method == EVHTTP_REQ_CONNECT)
		evhttp_add_header(headers, "Connection", "close");
	if (method == EVHTTP_REQ_HEAD || method == EVHTTP_REQ_CONNECT) {
		snprintf(length, sizeof(length), "%zu", body->bytes);
		evhttp_add_header(headers, "Content-Length", length);
	}
	/* Out of memory: an empty answer, because evhttp must not lose a connection from under its own callback. */
	if (method != EVHTTP_REQ_HEAD && http_body_append(body, evhttp_request_get_output_buffer(ev)) != 0)
		status = 500;
	evhttp_send_reply(ev, status, reason_of(status), NULL);
}

void http_request_reply(struct http_request *request, int status, const char *type, struct http_body *body)
{
	struct http_request_private *private = request->private;

	private->server->handler->replied(private->server->arg, request, status);
	if (private->conn != NULL) {
		http_conn_set_data(private->conn, NULL);
		send_reply(private, status, type, body);
	}
	free(private);
}

/* ---- start and stop ---- */

static void on_drain(evutil_socket_t fd, short events, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)events;
	/* Two polls: what a connection had sent before the stop has been read by then. */
	server->quiet_polls = http_conns_busy(server->conns) ? 0 : server->quiet_polls + 1;
	server->polls++;
	if (server->polls == DRAIN_POLLS)
		http_conns_expire(server->conns);
	if (server->quiet_polls < 2 && server->polls < DRAIN_POLLS + 10)
		return;
	event_del(server->drain);
	server->drained(server->drained_arg);
}

void http_server_stop(struct http_server *server, void (*drained)(void *arg), void *arg)
{
	struct timeval tv = { 0, DRAIN_POLL_MS * 1000 };

	if (server->stopping)
		return;
	server->stopping = true;
	server->drained = drained;
	server->drained_arg = arg;
	evconnlistener_disable(server->listener);
	evconnlistener_disable(server->refuser);
	event_add(server->drain, &tv);
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
	struct http_server_counts counts = server->counts;

	counts.connections = http_conns_count(server->conns);
	return counts;
}

static int listen_on(struct event_base *base, struct http_server *server)
{
	struct evhttp_bound_socket *bound;

	evutil_make_socket_nonblocking(server->options.listen_fd);
	bound = evhttp_accept_socket_with_handle(server->http, server->options.listen_fd);
	if (bound == NULL)
		return SM_ENOMEM;
	server->refuser = evconnlistener_new(
	        base, on_refuse, server, LEV_OPT_DISABLED | LEV_OPT_CLOSE_ON_EXEC, 0, server->options.listen_fd);
	if (server->refuser == NULL)
		return SM_ENOMEM;
	server->listener = evhttp_bound_socket_get_listener(bound);
	return 0;
}

int http_server_new(struct event_base *base, const struct http_server_options *options,
        const struct http_server_handler *handler, void *arg, struct http_server **ret_server)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return SM_ENOMEM;
	server->options = *options;
	server->handler = handler;
	server->arg = arg;
	server->http = evhttp_new(base);
	server->conns = http_conns_new(base, options->request_timeout_ms, &conns_handler, server);
	server->drain = event_new(base, -1, EV_PERSIST, on_drain, server);
	if (server->http == NULL || server->conns == NULL || server->drain == NULL || listen_on(base, server) != 0) {
		http_server_free(server);
		return SM_ENOMEM;
	}
	evhttp_set_allowed_methods(server->http, 0xffff);
	evhttp_set_max_headers_size(server->http, (ev_ssize_t)options->max_header_bytes);
	evhttp_set_max_body_size(server->http, (ev_ssize_t)options->max_body_bytes);
	evhttp_set_flags(server->http, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_timeout(server->http, KEEP_ALIVE_S);
	evhttp_set_gencb(server->http, on_request, server);
	http_conns_watch(server->conns, server->http);
	*ret_server = server;
	return 0;
}

void http_server_free(struct http_server *server)
{
	if (server == NULL)
		return;
	server->stopping = true;
	if (server->refuser != NULL)
		evconnlistener_free(server->refuser);
	if (server->http != NULL)
		evhttp_free(server->http);
	http_conns_free(server->conns);
	if (server->drain != NULL)
		event_free(server->drain);
	free(server);
}
