/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_reply.h"

#include "shardmgr.h"

#include <stdarg.h>
#include <stdio.h>

static void reply(struct http_request *request, int status, const char *type, struct http_body *body)
{
	static char no_memory[] = "{\"error\":\"out of memory\"}";
	static struct http_body last_resort = { .holders = 1, .bytes = sizeof(no_memory) - 1, .text = no_memory };

	http_request_reply(request, body == NULL ? 500 : status, type, body == NULL ? &last_resort : body);
}

void http_reply_json(struct http_request *request, int status, struct http_body *body)
{
	reply(request, status, HTTP_TYPE_JSON, body);
}

void http_reply_written(struct http_request *request, int status, struct http_json *json)
{
	size_t bytes = 0;
	char *text = http_json_take(json, &bytes);
	struct http_body *body = http_body_new(text, bytes);

	http_reply_json(request, status, body);
	http_body_release(body);
}

void http_reply_text(struct http_request *request, int status, const char *text)
{
	struct http_body *body = http_body_copy(text);

	reply(request, status, HTTP_TYPE_TEXT, body);
	http_body_release(body);
}

void http_reply_error(struct http_request *request, int status, const char *format, ...)
{
	struct http_json json;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	http_json_init(&json, sizeof(text));
	http_json_open(&json, '{');
	http_json_key_string(&json, "error", text);
	http_json_close(&json, '}');
	http_reply_written(request, status, &json);
}

int http_reply_status(int error)
{
	return error == SM_EINVAL || error == SM_ENOENT ? 400 : 500;
}
