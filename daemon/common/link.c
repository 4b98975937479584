/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Length-prefixed JSON objects on a stream socket, over libevent's bufferevents.
 */
#include "link.h"

#include "clocks.h"
#include "shardmgr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES 4

struct link {
	struct bufferevent *bev;
	struct link_handler handler;
	void *arg;
	bool closed;
	bool reading, freed; /* link_free while on_read runs: on_read does it at its end */
};

static json_t *decode(const char *text, size_t bytes)
{
	json_t *message = json_loadb(text, bytes, 0, NULL);

	if (json_is_object(message))
		return message;
	json_decref(message);
	return NULL;
}

static void report_closed(struct link *link, const char *why)
{
	link->closed = true;
	bufferevent_disable(link->bev, EV_READ | EV_WRITE);
	link->handler.closed(link->arg, link, why);
}

/* Takes one message out of the input. False: none is whole yet, or the link has ended. */
static bool take_message(struct link *link, json_t **ret_message)
{
	struct evbuffer *input = bufferevent_get_input(link->bev);
	uint32_t bytes;

	if (evbuffer_copyout(input, &bytes, HEAD_BYTES) != HEAD_BYTES)
		return false;
	bytes = ntohl(bytes);
	if (bytes > LINK_BYTES) {
		report_closed(link, "a message is too long");
		return false;
	}
	if (evbuffer_get_length(input) < HEAD_BYTES + (size_t)bytes)
		return false;
	*ret_message = decode((const char *)evbuffer_pullup(input, HEAD_BYTES + (ev_ssize_t)bytes) + HEAD_BYTES, bytes);
	evbuffer_drain(input, HEAD_BYTES + bytes);
	if (*ret_message == NULL)
		report_closed(link, "a message is not a JSON object");
	return *ret_message != NULL;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct link *link = arg;
	json_t *message;

	(void)bev;
	link->reading = true;
	while (!link->freed && !link->closed && take_message(link, &message)) {
		link->handler.message(link->arg, link, message);
		json_decref(message);
	}
	link->reading = false;
	if (link->freed)
		link_free(link);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct link *link = arg;

	if (link->closed)
		return;
	/* What the other side said before it went is still to be read; then reading tells its end. */
	if ((what & BEV_EVENT_WRITING) != 0) {
		bufferevent_disable(bev, EV_WRITE);
		evbuffer_drain(bufferevent_get_output(bev), evbuffer_get_length(bufferevent_get_output(bev)));
		return;
	}
	if ((what & BEV_EVENT_ERROR) != 0)
		report_closed(link, strerror(errno));
	else if (evbuffer_get_length(bufferevent_get_input(bev)) > 0)
		report_closed(link, "the other side ended in the middle of a message");
	else
		report_closed(link, "the other side ended");
}

int link_new(struct event_base *base, int fd, const struct link_handler *handler, void *arg, struct link **ret_link)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return SM_ENOMEM;
	*link = (struct link){ .handler = *handler, .arg = arg };
	if (evutil_make_socket_nonblocking(fd) < 0) {
		free(link);
		return SM_ESYSTEM;
	}
	link->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (link->bev == NULL) {
		free(link);
		return SM_ENOMEM;
	}
	bufferevent_setcb(link->bev, on_read, NULL, on_event, link);
	bufferevent_enable(link->bev, EV_READ | EV_WRITE);
	*ret_link = link;
	return 0;
}

void link_free(struct link *link)
{
	if (link == NULL)
		return;
	link->freed = true;
	if (link->reading)
		return;
	bufferevent_free(link->bev);
	free(link);
}

/* *ret_text: malloc'ed, not terminated by contract; caller frees. */
static int encode(const json_t *message, char **ret_text, size_t *ret_bytes, uint32_t *ret_head)
{
	char *text = json_is_object(message) ? json_dumps(message, JSON_COMPACT) : NULL;

	if (text == NULL)
		return json_is_object(message) ? SM_ENOMEM : SM_EINVAL;
	*ret_bytes = strlen(text);
	if (*ret_bytes > LINK_BYTES) {
		free(text);
		return SM_EINVAL;
	}
	*ret_head = htonl((uint32_t)*ret_bytes);
	*ret_text = text;
	return 0;
}

static void free_text(const void *text, size_t bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	free((void *)text);
}

int link_send(struct link *link, json_t *message)
{
	struct evbuffer *output = bufferevent_get_output(link->bev);
	char *text;
	size_t bytes;
	uint32_t head;
	int error;

	if (link->closed || (bufferevent_get_enabled(link->bev) & EV_WRITE) == 0)
		return SM_ECLOSED;
	error = encode(message, &text, &bytes, &head);
	if (error != 0)
		return error;
	if (evbuffer_expand(output, HEAD_BYTES) < 0 || evbuffer_add(output, &head, HEAD_BYTES) < 0) {
		free(text);
		return SM_ENOMEM;
	}
	if (evbuffer_add_reference(output, text, bytes, free_text, NULL) == 0)
		return 0;
	/* A head without its body would shift everything behind it. */
	free(text);
	bufferevent_disable(link->bev, EV_WRITE);
	shutdown(bufferevent_getfd(link->bev), SHUT_WR);
	return SM_ENOMEM;
}

size_t link_queued_bytes(const struct link *link)
{
	return evbuffer_get_length(bufferevent_get_output(link->bev));
}

/* ---- without a loop ---- */

/* 0 when one of events has come. */
static int wait_for(int fd, short events, struct clocks deadline, bool forever)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t now = clocks_now().boot_ns;
		int timeout_ms = forever                   ? -1
		                 : now >= deadline.boot_ns ? 0
		                                           : (int)((deadline.boot_ns - now + 999999) / 1000000);
		int n = poll(&p, 1, timeout_ms);

		if (n > 0)
			return 0;
		if (n == 0)
			return SM_ETIMEDOUT;
		if (errno != EINTR)
			return SM_ESYSTEM;
	}
}

/* Exactly so many bytes and not one more, so that link_new can take over. */
static int read_whole(int fd, char *ret_bytes, size_t bytes, struct clocks deadline, bool forever)
{
	while (bytes > 0) {
		int error = wait_for(fd, POLLIN, deadline, forever);
		ssize_t n;

		if (error != 0)
			return error;
		n = recv(fd, ret_bytes, bytes, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return SM_ECLOSED;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return SM_ESYSTEM;
		if (n > 0) {
			ret_bytes += n;
			bytes -= (size_t)n;
		}
	}
	return 0;
}

int link_read_blocking(int fd, int timeout_ms, json_t **ret_message)
{
	bool forever = timeout_ms < 0;
	struct clocks deadline = clocks_after(clocks_now(), forever ? 0 : (uint64_t)timeout_ms * 1000000u);
	uint32_t bytes;
	char *text;
	json_t *message;
	int error = read_whole(fd, (char *)&bytes, HEAD_BYTES, deadline, forever);

	if (error != 0)
		return error;
	bytes = ntohl(bytes);
	if (bytes > LINK_BYTES)
		return SM_EPROTO;
	text = malloc((size_t)bytes + 1);
	if (text == NULL)
		return SM_ENOMEM;
	error = read_whole(fd, text, bytes, deadline, forever);
	if (error == 0) {
		message = decode(text, bytes);
		if (message == NULL)
			error = SM_EPROTO;
		else
			*ret_message = message;
	}
	free(text);
	return error;
}

static int write_whole(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLOUT, (struct clocks){ 0 }, true);
		else if (n < 0 && errno != EINTR)
			return errno == EPIPE || errno == ECONNRESET ? SM_ECLOSED : SM_ESYSTEM;
		if (n > 0) {
			bytes += n;
			count -= (size_t)n;
		}
	}
	return 0;
}

int link_write_blocking(int fd, json_t *message)
{
	char *text;
	size_t bytes;
	uint32_t head;
	int error = encode(message, &text, &bytes, &head);

	if (error != 0)
		return error;
	error = write_whole(fd, (const char *)&head, HEAD_BYTES);
	if (error == 0)
		error = write_whole(fd, text, bytes);
	free(text);
	return error;
}
