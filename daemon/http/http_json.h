/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Writes JSON text: objects, arrays, strings, integers, in the order of the calls, commas by itself. Compact. An out-of-memory
 * condition is kept and reported at the end. Closing what was not opened is a programmer's error.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_json {
	char *text;
	size_t bytes, room;
	unsigned depth;
	bool comma;  /* the next value or key stands behind another one */
	bool failed; /* out of memory */
};

void http_json_init(struct http_json *json, size_t expected_bytes);
void http_json_open(struct http_json *json, char bracket); /* '{' or '[' */
void http_json_close(struct http_json *json, char bracket);
void http_json_key(struct http_json *json, const char *key);
/* Bytes that are not UTF-8 come out as U+FFFD, so the text is JSON whatever was in the store. */
void http_json_string(struct http_json *json, const char *text);
void http_json_int(struct http_json *json, int64_t value);
void http_json_bool(struct http_json *json, bool value);
void http_json_null(struct http_json *json);
/* A value that is JSON already. */
void http_json_raw(struct http_json *json, const char *text, size_t bytes);
/* key and value in one */
void http_json_key_string(struct http_json *json, const char *key, const char *text);
void http_json_key_int(struct http_json *json, const char *key, int64_t value);
void http_json_key_bool(struct http_json *json, const char *key, bool value);

/* Ends the writing: the text, which the caller frees, terminated; NULL when memory ran out on the way. */
char *http_json_take(struct http_json *json, size_t *ret_bytes);
void http_json_done(struct http_json *json); /* instead of take */

#endif
