/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Between a service's executor and its containers: what is ready for one container goes out as one request, what comes back goes to the
 * executor.
 *
 * Per container at most DISPATCH_UNTAKEN requests that it has not taken yet, and DISPATCH_REQUESTS in all. A request stays open as long as
 * one of its orders does, so one add that hangs keeps one request, and the orders after it go in others; past DISPATCH_REQUESTS the oldest is
 * ended and what hung in it is asked again later.
 */
#ifndef BALANCER_DISPATCH_H
#define BALANCER_DISPATCH_H

#include "balancer_orders.h"
#include "balancer_service.h"

#define DISPATCH_UNTAKEN 4u
#define DISPATCH_REQUESTS 64u
#define DISPATCH_ORDERS 1000u          /* most in one request */
#define DISPATCH_BYTES (1024u * 1024u) /* a request is closed to further orders from here on */

struct balancer_dispatch;

/* wake(arg): something has changed, flush soon; from inside libcurl, so it may only take note. */
struct balancer_dispatch *balancer_dispatch_new(
        struct balancer_service *service, struct balancer_orders *orders, void (*wake)(void *arg), void *arg);
void balancer_dispatch_free(struct balancer_dispatch *dispatch); /* cancels what is under way */
/* After the containers were read anew: ends the requests to those that are gone. */
void balancer_dispatch_prune(struct balancer_dispatch *dispatch);
/* Sends what is ready. */
void balancer_dispatch_flush(struct balancer_dispatch *dispatch, const struct view *view, uint64_t now_ms);

#endif
