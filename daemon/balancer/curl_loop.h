/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * libcurl's multi interface on a libevent loop: sockets and timer, nothing else. libcurl does not allow its own callbacks (write, header) to
 * add or remove handles; `done` is called outside of libcurl and may.
 */
#ifndef CURL_LOOP_H
#define CURL_LOOP_H

#include <curl/curl.h>
#include <event2/event.h>

struct curl_loop;
/* The transfer has ended and was taken out of the loop; easy still is the caller's. May not free the loop. */
typedef void curl_loop_done_fn(void *arg, CURL *easy, CURLcode result);

int curl_loop_new(
        struct event_base *base, curl_loop_done_fn *done, void *arg, struct curl_loop **ret_loop); /* SM_ENOMEM */
void curl_loop_free(struct curl_loop *loop);           /* the caller has removed all handles; NULL is fine */
int curl_loop_add(struct curl_loop *loop, CURL *easy); /* starts it; SM_ENOMEM */
void curl_loop_remove(struct curl_loop *loop, CURL *easy);
void curl_loop_keep(struct curl_loop *loop, long connections); /* idle connections kept for reuse; default: libcurl's */

#endif
