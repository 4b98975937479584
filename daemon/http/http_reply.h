/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The answers that all routes give in the same form.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http_json.h"
#include "http_server.h"

#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"

void http_reply_json(struct http_request *request, int status, struct http_body *body); /* borrowed */
/* Ends json and answers with it. */
void http_reply_written(struct http_request *request, int status, struct http_json *json);
void http_reply_text(struct http_request *request, int status, const char *text);
/* {"error":text} */
void http_reply_error(struct http_request *request, int status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The status of {"error"} for an enum sm_error: 400 where the request was wrong, else 500. */
int http_reply_status(int error);

#endif
