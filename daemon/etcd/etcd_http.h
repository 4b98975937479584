/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Transfers on a libevent loop: one curl multi handle, its sockets and its timer. Handlers are called from the loop, never from inside
 * libcurl and never from inside the calls below; they may call anything here, etcd_http_free too.
 */
#ifndef ETCD_HTTP_H
#define ETCD_HTTP_H

#include "etcd_transfer.h"

#include <event2/event.h>

struct etcd_http;

/* The files' names are copied. */
int etcd_http_new(struct event_base *base, const struct etcd_transfer_tls *tls, struct etcd_http **ret_http);
void etcd_http_free(struct etcd_http *http); /* ends all transfers, calling nobody; NULL is fine */

/* NULL when out of memory. */
struct etcd_transfer *etcd_http_post(struct etcd_http *http, const struct etcd_transfer_request *request,
        const struct etcd_transfer_handler *handler, void *arg);
/* A POST whose two bodies stay open, on a connection of its own. */
struct etcd_transfer *etcd_http_stream(struct etcd_http *http, const struct etcd_transfer_request *request,
        const struct etcd_transfer_handler *handler, void *arg);
/* Streams only: sends more. */
int etcd_http_send(struct etcd_transfer *transfer, const char *data, size_t bytes);
/* Something has come, or it has ended: its handler will be called in this turn of the loop. */
bool etcd_http_has_news(const struct etcd_transfer *transfer);
void etcd_http_cancel(struct etcd_transfer *transfer);

/* The clock of all time-outs; it counts suspends, too. */
uint64_t etcd_http_now_ms(void);

#endif
