/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A server that answers the etcd client whatever the test wants.
 */
#include "etcd_liar.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct liar_connection {
	struct liar *liar;
	struct bufferevent *events;
	struct liar_connection *next;
	char *head, *path, *body;
	size_t body_bytes, length;
	int chunked, closing;
};

static void forget_request(struct liar_connection *connection)
{
	free(connection->head);
	free(connection->path);
	free(connection->body);
	connection->head = connection->path = connection->body = NULL;
	connection->body_bytes = 0;
}

static void close_connection(struct liar_connection *connection)
{
	struct liar_connection **at = &connection->liar->open;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	forget_request(connection);
	bufferevent_free(connection->events);
	free(connection);
}

/* The head, up to the empty line; NULL when it has not come yet. */
static char *take_head(struct evbuffer *input)
{
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	char *head;

	if (end.pos < 0)
		return NULL;
	head = calloc(1, (size_t)end.pos + 5);
	assert(head);
	evbuffer_remove(input, head, (size_t)end.pos + 4);
	return head;
}

static int read_head(struct liar_connection *connection, struct evbuffer *input)
{
	const char *length;
	char *end;

	connection->head = take_head(input);
	if (!connection->head)
		return 0;
	connection->path = strdup(strchr(connection->head, ' ') + 1);
	end = strchr(connection->path, ' ');
	*end = '\0';
	connection->chunked = strcasestr(connection->head, "\r\nTransfer-Encoding: chunked") != NULL;
	length = strcasestr(connection->head, "\r\nContent-Length: ");
	connection->length = length ? strtoul(length + 18, NULL, 10) : 0;
	connection->body = calloc(1, 1);
	connection->liar->requests++;
	return 1;
}

static void add_body(struct liar_connection *connection, struct evbuffer *input, size_t bytes)
{
	connection->body = realloc(connection->body, connection->body_bytes + bytes + 1);
	assert(connection->body);
	evbuffer_remove(input, connection->body + connection->body_bytes, bytes);
	connection->body_bytes += bytes;
	connection->body[connection->body_bytes] = '\0';
}

/* One chunk, if it is there. */
static int read_chunk(struct liar_connection *connection, struct evbuffer *input)
{
	struct evbuffer_ptr end = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_CRLF_STRICT);
	char line[32] = "";
	size_t bytes;

	if (end.pos < 0 || end.pos > 30)
		return 0;
	evbuffer_copyout(input, line, (size_t)end.pos);
	bytes = strtoul(line, NULL, 16);
	if (evbuffer_get_length(input) < (size_t)end.pos + 2 + bytes + 2)
		return 0;
	evbuffer_drain(input, (size_t)end.pos + 2);
	add_body(connection, input, bytes);
	evbuffer_drain(input, 2);
	return 1;
}

static void on_read(struct bufferevent *events, void *arg)
{
	struct liar_connection *connection = arg;
	struct liar *liar = connection->liar;
	struct evbuffer *input = bufferevent_get_input(events);

	if (!connection->head && !read_head(connection, input))
		return;
	if (connection->chunked) {
		while (read_chunk(connection, input))
			liar->answer(liar, events, connection->path, connection->head, connection->body);
		return;
	}
	if (evbuffer_get_length(input) < connection->length)
		return;
	add_body(connection, input, connection->length);
	liar->answer(liar, events, connection->path, connection->head, connection->body);
	forget_request(connection);
}

static void on_written(struct bufferevent *events, void *arg)
{
	struct liar_connection *connection = arg;

	if (connection->closing && evbuffer_get_length(bufferevent_get_output(events)) == 0)
		close_connection(connection);
}

static void on_event(struct bufferevent *events, short what, void *arg)
{
	(void)events;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		close_connection(arg);
}

static void on_accept(
        struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int bytes, void *arg)
{
	struct liar *liar = arg;
	struct liar_connection *connection = calloc(1, sizeof(*connection));

	(void)listener;
	(void)address;
	(void)bytes;
	assert(connection);
	liar->connections++;
	connection->liar = liar;
	connection->events = bufferevent_socket_new(liar->base, fd, BEV_OPT_CLOSE_ON_FREE);
	connection->next = liar->open;
	liar->open = connection;
	bufferevent_setcb(connection->events, on_read, on_written, on_event, connection);
	bufferevent_enable(connection->events, EV_READ | EV_WRITE);
}

struct liar *liar_new(struct event_base *base, liar_fn *answer, void *arg)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	struct liar *liar = calloc(1, sizeof(*liar));

	assert(liar);
	liar->base = base;
	liar->answer = answer;
	liar->arg = arg;
	liar->listener = evconnlistener_new_bind(base, on_accept, liar, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 64,
	        (struct sockaddr *)&address, sizeof(address));
	assert(liar->listener);
	getsockname(evconnlistener_get_fd(liar->listener), (struct sockaddr *)&address, &bytes);
	snprintf(liar->endpoint, sizeof(liar->endpoint), "127.0.0.1:%d", ntohs(address.sin_port));
	return liar;
}

void liar_stop_listening(struct liar *liar)
{
	if (liar->listener)
		evconnlistener_free(liar->listener);
	liar->listener = NULL;
}

void liar_free(struct liar *liar)
{
	liar_stop_listening(liar);
	while (liar->open)
		close_connection(liar->open);
	free(liar);
}

void liar_say(struct bufferevent *to, const char *text, size_t bytes, enum liar_then then)
{
	struct liar_connection *connection;

	bufferevent_getcb(to, NULL, NULL, NULL, (void **)&connection);
	connection->closing = then == LIAR_CLOSE;
	bufferevent_write(to, text, bytes);
	if (connection->closing) /* on_written comes with nothing to write, too */
		bufferevent_trigger(to, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

void liar_answer(struct bufferevent *to, int status, const char *body)
{
	evbuffer_add_printf(bufferevent_get_output(to),
	        "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
	        strlen(body), body);
}

void liar_start_stream(struct bufferevent *to)
{
	evbuffer_add_printf(bufferevent_get_output(to),
	        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void liar_chunk(struct bufferevent *to, const char *text)
{
	evbuffer_add_printf(bufferevent_get_output(to), "%zx\r\n%s\r\n", strlen(text), text);
}
