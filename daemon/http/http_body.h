/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A response's body: immutable bytes with a count of those who hold them, so that the same bytes answer many requests and
 * an evbuffer can refer to them while the cache has dropped them already. One thread.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stddef.h>

struct evbuffer;

struct http_body {
	unsigned holders;
	size_t bytes;
	char *text; /* terminated */
};

/* Takes the malloc'ed text over, also when it fails (NULL: out of memory, or text was NULL). One holder: the caller. */
struct http_body *http_body_new(char *text, size_t bytes);
struct http_body *http_body_copy(const char *text);
struct http_body *http_body_hold(struct http_body *body); /* returns body */
void http_body_release(struct http_body *body);           /* NULL is fine */
/* 0, or -1 when out of memory. The buffer becomes a holder where a copy would cost more. */
int http_body_append(struct http_body *body, struct evbuffer *to);

#endif
