/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Orders to containers as HTTP requests (common/orders.h), on kept-alive connections. A request that was not taken (connected, sent, and
 * answered with a status) in time has failed; how long the answer lines take afterwards is the application's affair.
 */
#ifndef BALANCER_ORDERS_H
#define BALANCER_ORDERS_H

#include "balancer_lines.h"

#include <event2/event.h>

enum balancer_orders_end {
	BALANCER_ORDERS_WHOLE = 1, /* 200, and all lines have come */
	BALANCER_ORDERS_REFUSED,   /* 503: it takes no orders now */
	BALANCER_ORDERS_FAILED     /* not reached, not taken in time, another status, or broken off */
};

/* `ended` is the last call for a request, after which it is gone; never from inside balancer_orders_post. The others are called from
 * inside libcurl: they may neither post nor cancel. */
struct balancer_orders_handler {
	void (*taken)(void *arg); /* 200 */
	balancer_lines_fn *line;
	void (*ended)(void *arg, enum balancer_orders_end end, const char *why);
};

struct balancer_orders;
struct balancer_request;

int balancer_orders_new(
        struct event_base *base, uint32_t timeout_ms, struct balancer_orders **ret_orders); /* SM_ENOMEM */
void balancer_orders_free(struct balancer_orders *orders); /* after its requests have ended or were cancelled */
/* body: malloc'ed, taken over. container: its id, host:port. NULL: out of memory. */
struct balancer_request *balancer_orders_post(struct balancer_orders *orders, const char *container, char *body,
        const struct balancer_orders_handler *handler, void *arg);
void balancer_orders_cancel(struct balancer_request *request); /* without a call */

#endif
