/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_body.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES 2048 /* below this a copy is cheaper than a reference's chain and callback */

struct http_body *http_body_new(char *text, size_t bytes)
{
	struct http_body *body = text == NULL ? NULL : malloc(sizeof(*body));

	if (body == NULL) {
		free(text);
		return NULL;
	}
	*body = (struct http_body){ .holders = 1, .bytes = bytes, .text = text };
	return body;
}

struct http_body *http_body_copy(const char *text)
{
	return http_body_new(strdup(text), strlen(text));
}

struct http_body *http_body_hold(struct http_body *body)
{
	body->holders++;
	return body;
}

void http_body_release(struct http_body *body)
{
	if (body == NULL || --body->holders > 0)
		return;
	free(body->text);
	free(body);
}

static void sent(const void *text, size_t bytes, void *arg)
{
	(void)text;
	(void)bytes;
	http_body_release(arg);
}

int http_body_append(struct http_body *body, struct evbuffer *to)
{
	if (body->bytes < COPY_BYTES)
		return evbuffer_add(to, body->text, body->bytes);
	if (evbuffer_add_reference(to, body->text, body->bytes, sent, http_body_hold(body)) == 0)
		return 0;
	http_body_release(body);
	return -1;
}
