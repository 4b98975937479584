/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Glue between two event systems.
 */
#include "curl_loop.h"

#include "shardmgr.h"

#include <stdlib.h>

struct curl_loop {
	struct event_base *base;
	struct event *timer;
	CURLM *multi;
	curl_loop_done_fn *done;
	void *arg;
};

static void act(struct curl_loop *loop, curl_socket_t fd, int what)
{
	CURLMsg *message;
	int left;

	curl_multi_socket_action(loop->multi, fd, what, &left);
	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(loop->multi, easy);
		loop->done(loop->arg, easy, result);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	act(arg, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct curl_loop *loop = arg;
	struct event *event = socket_arg;
	short events = EV_PERSIST;

	(void)easy;
	if (event)
		event_free(event);
	event = NULL;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	if (what != CURL_POLL_REMOVE) {
		event = event_new(loop->base, fd, events, on_socket, loop);
		if (event && event_add(event, NULL) < 0) {
			event_free(event);
			event = NULL;
		}
	}
	curl_multi_assign(loop->multi, fd, event); /* also when it failed: what libcurl had was freed above */
	return event || what == CURL_POLL_REMOVE ? 0 : -1;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct curl_loop *loop = arg;
	struct timeval timeout = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	(void)multi;
	if (timeout_ms < 0)
		event_del(loop->timer);
	else
		event_add(loop->timer, &timeout);
	return 0;
}

int curl_loop_new(struct event_base *base, curl_loop_done_fn *done, void *arg, struct curl_loop **ret_loop)
{
	struct curl_loop *loop;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return SM_ENOMEM;
	loop = calloc(1, sizeof(*loop));
	if (!loop) {
		curl_global_cleanup();
		return SM_ENOMEM;
	}
	*loop = (struct curl_loop){ .base = base, .done = done, .arg = arg };
	loop->timer = evtimer_new(base, on_timer, loop);
	loop->multi = curl_multi_init();
	if (!loop->timer || !loop->multi) {
		curl_loop_free(loop);
		return SM_ENOMEM;
	}
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	*ret_loop = loop;
	return 0;
}

void curl_loop_free(struct curl_loop *loop)
{
	if (!loop)
		return;
	if (loop->multi)
		curl_multi_cleanup(loop->multi);
	if (loop->timer)
		event_free(loop->timer);
	free(loop);
	curl_global_cleanup();
}

int curl_loop_add(struct curl_loop *loop, CURL *easy)
{
	return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : SM_ENOMEM;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
	curl_multi_remove_handle(loop->multi, easy);
}

void curl_loop_keep(struct curl_loop *loop, long connections)
{
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, connections);
}
