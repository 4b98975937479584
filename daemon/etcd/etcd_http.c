/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * libcurl's multi interface on libevent. What happens inside libcurl is only noted, and one event of our own hands it out afterwards: a
 * handler may cancel any transfer, which libcurl does not allow inside its callbacks.
 */
#include "etcd_http.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_HANDLES 8

struct etcd_http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer, *dispatch;
	struct etcd_transfer_tls tls;
	TAILQ_HEAD(, etcd_transfer) all, ready;
	CURL *idle[IDLE_HANDLES]; /* easy handles to be used again */
	size_t idle_count;
};

static void make_ready(struct etcd_http *http, struct etcd_transfer *transfer)
{
	if (transfer->is_ready)
		return;
	transfer->is_ready = true;
	TAILQ_INSERT_TAIL(&http->ready, transfer, ready);
	event_active(http->dispatch, 0, 0);
}

static void on_wake(struct etcd_transfer *transfer)
{
	make_ready(transfer->owner, transfer);
}

static void note_ended(struct etcd_http *http)
{
	struct etcd_transfer *transfer;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		transfer->result = message->data.result;
		transfer->has_ended = true;
		make_ready(http, transfer);
	}
}

static void act(struct etcd_http *http, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(http->multi, fd, what, &running);
	note_ended(http);
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
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
	struct etcd_http *http = arg;
	struct etcd_transfer *transfer = NULL;
	struct event *event = socket_arg;
	short events = EV_PERSIST;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
	if (transfer)
		etcd_transfer_note_polled(transfer, what & CURL_POLL_IN && what != CURL_POLL_REMOVE);
	if (event)
		event_free(event);
	event = NULL;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	if (what != CURL_POLL_REMOVE) {
		event = event_new(http->base, fd, events, on_socket_event, http);
		if (event && event_add(event, NULL) < 0) {
			event_free(event);
			event = NULL;
		}
	}
	curl_multi_assign(http->multi, fd, event);
	return event || what == CURL_POLL_REMOVE ? 0 : -1;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct etcd_http *http = arg;
	struct timeval timeout = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	(void)multi;
	if (timeout_ms < 0)
		event_del(http->timer);
	else
		event_add(http->timer, &timeout);
	return 0;
}

/* Takes the transfer out of libcurl and out of all lists. Its easy handle stays until give_back. */
static void detach(struct etcd_http *http, struct etcd_transfer *transfer)
{
	curl_multi_remove_handle(http->multi, transfer->easy);
	TAILQ_REMOVE(&http->all, transfer, all);
	if (transfer->is_ready)
		TAILQ_REMOVE(&http->ready, transfer, ready);
	transfer->is_ready = false;
}

static void give_back(struct etcd_http *http, CURL *easy)
{
	if (http->idle_count == IDLE_HANDLES) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	http->idle[http->idle_count++] = easy;
}

static void hand_out_end(struct etcd_http *http, struct etcd_transfer *transfer)
{
	struct etcd_transfer_answer answer;
	struct why why;

	etcd_transfer_get_answer(transfer, &answer, &why);
	detach(http, transfer);
	give_back(http, transfer->easy);
	transfer->handler->ended(transfer->arg, &answer); /* http may be gone after this */
	etcd_transfer_free(transfer);
}

/* Hands out one thing, with nothing after it that needs http: the callee may free everything. */
static void on_dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_http *http = arg;
	struct etcd_transfer *transfer = TAILQ_FIRST(&http->ready);
	long status = 0;

	(void)fd;
	(void)what;
	if (!transfer)
		return;
	TAILQ_REMOVE(&http->ready, transfer, ready);
	transfer->is_ready = false;
	if (!TAILQ_EMPTY(&http->ready))
		event_active(http->dispatch, 0, 0);
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->has_data && status == 200) {
		transfer->has_data = false;
		if (transfer->has_ended || transfer->must_resume)
			make_ready(http, transfer);
		transfer->handler->data(transfer->arg, &transfer->received);
	} else if (transfer->has_ended) {
		hand_out_end(http, transfer);
	} else if (transfer->must_resume) {
		transfer->must_resume = false;
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	}
}

static char *copy(const char *text, bool *failed)
{
	char *copied = text ? strdup(text) : NULL;

	*failed = *failed || (text && !copied);
	return copied;
}

int etcd_http_new(struct event_base *base, const struct etcd_transfer_tls *tls, struct etcd_http **ret_http)
{
	struct etcd_http *http;
	bool failed = curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;

	if (failed)
		return SM_ENOMEM;
	http = calloc(1, sizeof(*http));
	if (!http) {
		curl_global_cleanup();
		return SM_ENOMEM;
	}
	TAILQ_INIT(&http->all);
	TAILQ_INIT(&http->ready);
	http->base = base;
	http->tls.ca_file = copy(tls->ca_file, &failed);
	http->tls.cert_file = copy(tls->cert_file, &failed);
	http->tls.key_file = copy(tls->key_file, &failed);
	http->timer = evtimer_new(base, on_timer, http);
	http->dispatch = event_new(base, -1, 0, on_dispatch, http);
	http->multi = curl_multi_init();
	if (failed || !http->timer || !http->dispatch || !http->multi) {
		etcd_http_free(http);
		return SM_ENOMEM;
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	*ret_http = http;
	return 0;
}

void etcd_http_free(struct etcd_http *http)
{
	if (!http)
		return;
	while (!TAILQ_EMPTY(&http->all))
		etcd_http_cancel(TAILQ_FIRST(&http->all));
	while (http->idle_count)
		curl_easy_cleanup(http->idle[--http->idle_count]);
	if (http->multi)
		curl_multi_cleanup(http->multi);
	if (http->timer)
		event_free(http->timer);
	if (http->dispatch)
		event_free(http->dispatch);
	free(http->tls.ca_file);
	free(http->tls.cert_file);
	free(http->tls.key_file);
	free(http);
	curl_global_cleanup();
}

static struct etcd_transfer *start(struct etcd_http *http, const struct etcd_transfer_request *request, bool stream,
        const struct etcd_transfer_handler *handler, void *arg)
{
	CURL *easy = http->idle_count ? http->idle[--http->idle_count] : curl_easy_init();
	struct etcd_transfer *transfer;

	if (!easy)
		return NULL;
	transfer = etcd_transfer_new(easy, request, stream, &http->tls, handler, arg);
	if (!transfer) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	transfer->wake = on_wake;
	transfer->owner = http;
	if (curl_multi_add_handle(http->multi, easy) != CURLM_OK) {
		curl_easy_cleanup(easy);
		etcd_transfer_free(transfer);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&http->all, transfer, all);
	return transfer;
}

struct etcd_transfer *etcd_http_post(struct etcd_http *http, const struct etcd_transfer_request *request,
        const struct etcd_transfer_handler *handler, void *arg)
{
	return start(http, request, false, handler, arg);
}

struct etcd_transfer *etcd_http_stream(struct etcd_http *http, const struct etcd_transfer_request *request,
        const struct etcd_transfer_handler *handler, void *arg)
{
	return start(http, request, true, handler, arg);
}

int etcd_http_send(struct etcd_transfer *transfer, const char *data, size_t bytes)
{
	etcd_text_add_bytes(&transfer->upload, data, bytes);
	if (transfer->upload.failed)
		return SM_ENOMEM;
	if (transfer->upload_paused && !transfer->has_ended)
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	return 0;
}

bool etcd_http_has_news(const struct etcd_transfer *transfer)
{
	return transfer->is_ready;
}

void etcd_http_cancel(struct etcd_transfer *transfer)
{
	struct etcd_http *http = transfer->owner;

	detach(http, transfer);
	give_back(http, transfer->easy);
	etcd_transfer_free(transfer);
}

uint64_t etcd_http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}
