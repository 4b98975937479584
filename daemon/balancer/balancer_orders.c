/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One libcurl transfer per request.
 */
#include "balancer_orders.h"

#include "common/orders.h"
#include "curl_loop.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_CONNECTIONS 1024
#define ERROR_BYTES 512 /* of an answer that is not 200: what is kept of it */

struct balancer_orders {
	struct event_base *base;
	struct curl_loop *loop;
	struct curl_slist *headers;
	uint32_t timeout_ms;
};

struct balancer_request {
	struct balancer_orders *orders;
	const struct balancer_orders_handler *handler;
	void *arg;
	CURL *easy;
	struct event *timer; /* runs until the request is taken, or to the end of a refusal */
	char *body;
	struct balancer_lines lines;
	long status; /* 0: no answer yet */
	bool bad_line;
	char error[ERROR_BYTES], curl_error[CURL_ERROR_SIZE];
	size_t error_bytes;
};

static void request_free(struct balancer_request *request)
{
	if (request->easy)
		curl_easy_cleanup(request->easy);
	if (request->timer)
		event_free(request->timer);
	balancer_lines_done(&request->lines);
	free(request->body);
	free(request);
}

static void request_end(struct balancer_request *request, enum balancer_orders_end end, const char *why)
{
	request->handler->ended(request->arg, end, why);
	request_free(request);
}

static void on_done(void *arg, CURL *easy, CURLcode result)
{
	struct balancer_request *request;
	char why[ERROR_BYTES + 64];

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
	if (request->bad_line ||
	        (result == CURLE_OK && request->status == 200 && balancer_lines_end(&request->lines) < 0))
		return request_end(request, BALANCER_ORDERS_FAILED, "an answer line that makes no sense");
	if (result != CURLE_OK && (request->status == 0 || request->status == 200))
		return request_end(request, BALANCER_ORDERS_FAILED,
		        request->curl_error[0] ? request->curl_error : curl_easy_strerror(result));
	if (request->status == 200)
		return request_end(request, BALANCER_ORDERS_WHOLE, "");
	snprintf(why, sizeof(why), "status %ld: %.*s", request->status, (int)request->error_bytes, request->error);
	request_end(request, request->status == 503 ? BALANCER_ORDERS_REFUSED : BALANCER_ORDERS_FAILED, why);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct balancer_request *request = arg;

	(void)fd;
	(void)what;
	curl_loop_remove(request->orders->loop, request->easy);
	request_end(request, BALANCER_ORDERS_FAILED, "did not take the request in time (containerTimeoutMs)");
}

/* The last header line is empty: the status is final. */
static size_t on_header(char *data, size_t size, size_t bytes, void *arg)
{
	struct balancer_request *request = arg;

	bytes *= size;
	if (request->status || bytes > 2 || (data[0] != '\r' && data[0] != '\n'))
		return bytes;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->status);
	if (request->status < 200) {
		request->status = 0; /* 100-continue */
		return bytes;
	}
	if (request->status == 200) {
		event_del(request->timer);
		request->handler->taken(request->arg);
	}
	return bytes;
}

static size_t on_data(char *data, size_t size, size_t bytes, void *arg)
{
	struct balancer_request *request = arg;
	size_t kept;

	bytes *= size;
	if (request->status == 200) {
		request->bad_line =
		        balancer_lines_feed(&request->lines, data, bytes, request->handler->line, request->arg) < 0;
		return request->bad_line ? 0 : bytes;
	}
	kept = ERROR_BYTES - request->error_bytes < bytes ? ERROR_BYTES - request->error_bytes : bytes;
	memcpy(request->error + request->error_bytes, data, kept);
	request->error_bytes += kept;
	return kept; /* fewer than came: enough is known, libcurl breaks off */
}

int balancer_orders_new(struct event_base *base, uint32_t timeout_ms, struct balancer_orders **ret_orders)
{
	struct balancer_orders *orders = calloc(1, sizeof(*orders));

	if (!orders)
		return SM_ENOMEM;
	*orders = (struct balancer_orders){ .base = base, .timeout_ms = timeout_ms };
	orders->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* no waiting for 100-continue before a large body */
	if (!orders->headers || !curl_slist_append(orders->headers, "Expect:") ||
	        curl_loop_new(base, on_done, orders, &orders->loop) < 0) {
		balancer_orders_free(orders);
		return SM_ENOMEM;
	}
	curl_loop_keep(orders->loop, IDLE_CONNECTIONS);
	*ret_orders = orders;
	return 0;
}

void balancer_orders_free(struct balancer_orders *orders)
{
	if (!orders)
		return;
	curl_loop_free(orders->loop);
	curl_slist_free_all(orders->headers);
	free(orders);
}

static void set_options(struct balancer_request *request, const char *url)
{
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->orders->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->curl_error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)request);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

struct balancer_request *balancer_orders_post(struct balancer_orders *orders, const char *container, char *body,
        const struct balancer_orders_handler *handler, void *arg)
{
	struct balancer_request *request = calloc(1, sizeof(*request));
	struct timeval timeout = { .tv_sec = orders->timeout_ms / 1000, .tv_usec = orders->timeout_ms % 1000 * 1000 };
	char url[512];

	if (!request) {
		free(body);
		return NULL;
	}
	*request = (struct balancer_request){
		.orders = orders, .handler = handler, .arg = arg, .body = body, .easy = curl_easy_init()
	};
	request->timer = evtimer_new(orders->base, on_timeout, request);
	snprintf(url, sizeof(url), "http://%s%s", container, ORDERS_PATH);
	if (request->easy)
		set_options(request, url);
	if (!request->easy || !request->timer || event_add(request->timer, &timeout) < 0 ||
	        curl_loop_add(orders->loop, request->easy) < 0) {
		request_free(request);
		return NULL;
	}
	return request;
}

void balancer_orders_cancel(struct balancer_request *request)
{
	curl_loop_remove(request->orders->loop, request->easy);
	request_free(request);
}
