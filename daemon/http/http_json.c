/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void http_json_init(struct http_json *json, size_t expected_bytes)
{
	*json = (struct http_json){ .room = expected_bytes < 64 ? 64 : expected_bytes };
	json->text = malloc(json->room);
	json->failed = json->text == NULL;
}

static char *reserve(struct http_json *json, size_t bytes)
{
	size_t room = json->room;
	char *text;

	if (json->failed)
		return NULL;
	while (room - json->bytes < bytes)
		room *= 2;
	if (room != json->room) {
		text = realloc(json->text, room);
		if (text == NULL) {
			json->failed = true;
			return NULL;
		}
		json->text = text;
		json->room = room;
	}
	return json->text + json->bytes;
}

static void put(struct http_json *json, const char *bytes, size_t count)
{
	char *to = reserve(json, count);

	if (to == NULL)
		return;
	memcpy(to, bytes, count);
	json->bytes += count;
}

static void begin_value(struct http_json *json)
{
	if (json->comma)
		put(json, ",", 1);
	json->comma = true;
}

void http_json_open(struct http_json *json, char bracket)
{
	begin_value(json);
	put(json, &bracket, 1);
	json->depth++;
	json->comma = false;
}

void http_json_close(struct http_json *json, char bracket)
{
	assert(json->depth > 0);
	put(json, &bracket, 1);
	json->depth--;
	json->comma = true;
}

/* Length of the UTF-8 sequence at p, of which left bytes exist; 0 when it is none (overlong, surrogate, above U+10FFFF, cut). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char lead_from, lead_to, second_from, second_to, length;
	} forms[] = { { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].lead_from || p[0] > forms[i].lead_to)
			continue;
		if (left < forms[i].length || p[1] < forms[i].second_from || p[1] > forms[i].second_to)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static void put_control(struct http_json *json, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	const char *shorter = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;

	if (shorter != NULL)
		put(json, shorter, 2);
	else
		put(json, text, sizeof(text));
}

static void put_escaped(struct http_json *json, const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *plain = p, *end = p + strlen(text);
	size_t length;

	while (p < end) {
		length = *p < 0x80 ? 1 : utf8_length(p, (size_t)(end - p));
		if (length > 1 || (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')) {
			p += length;
			continue;
		}
		put(json, (const char *)plain, (size_t)(p - plain));
		if (length == 0)
			put(json, "\xef\xbf\xbd", 3);
		else if (*p == '"' || *p == '\\')
			put(json, *p == '"' ? "\\\"" : "\\\\", 2);
		else
			put_control(json, *p);
		plain = ++p;
	}
	put(json, (const char *)plain, (size_t)(p - plain));
}

void http_json_string(struct http_json *json, const char *text)
{
	begin_value(json);
	put(json, "\"", 1);
	put_escaped(json, text);
	put(json, "\"", 1);
}

void http_json_key(struct http_json *json, const char *key)
{
	http_json_string(json, key);
	put(json, ":", 1);
	json->comma = false;
}

void http_json_int(struct http_json *json, int64_t value)
{
	char digits[20], *p = digits + sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	begin_value(json);
	if (value < 0)
		put(json, "-", 1);
	put(json, p, (size_t)(digits + sizeof(digits) - p));
}

void http_json_raw(struct http_json *json, const char *text, size_t bytes)
{
	begin_value(json);
	put(json, text, bytes);
}

void http_json_bool(struct http_json *json, bool value)
{
	http_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void http_json_null(struct http_json *json)
{
	http_json_raw(json, "null", 4);
}

void http_json_key_string(struct http_json *json, const char *key, const char *text)
{
	http_json_key(json, key);
	http_json_string(json, text);
}

void http_json_key_int(struct http_json *json, const char *key, int64_t value)
{
	http_json_key(json, key);
	http_json_int(json, value);
}

void http_json_key_bool(struct http_json *json, const char *key, bool value)
{
	http_json_key(json, key);
	http_json_bool(json, value);
}

char *http_json_take(struct http_json *json, size_t *ret_bytes)
{
	char *text;

	assert(json->depth == 0);
	put(json, "", 1);
	if (json->failed) {
		http_json_done(json);
		return NULL;
	}
	text = json->text;
	*ret_bytes = json->bytes - 1;
	*json = (struct http_json){ .failed = true };
	return text;
}

void http_json_done(struct http_json *json)
{
	free(json->text);
	*json = (struct http_json){ .failed = true };
}
