/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_query.h"

#include "shardmgr.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* -1: not an escape */
static int decode_escape(const char *text, size_t left)
{
	int high, low;

	if (left < 3)
		return -1;
	high = hex_digit(text[1]);
	low = hex_digit(text[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

int http_query_decode(const char *text, size_t bytes, bool plus_is_space, char *ret_text, size_t room, struct why *why)
{
	size_t out = 0;
	int c;

	for (size_t i = 0; i < bytes; i++) {
		c = (unsigned char)text[i];
		if (c == '%') {
			c = decode_escape(text + i, bytes - i);
			if (c < 0)
				return why_set(why, SM_EINVAL,
				        "byte %zu of \"%.*s\": \"%%\" without two hex digits; write \"%%25\" for a "
				        "percent sign",
				        i + 1, (int)(bytes < 100 ? bytes : 100), text);
			if (c == 0)
				return why_set(why, SM_EINVAL, "byte %zu: \"%%00\" is in no name; leave it out", i + 1);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (out + 1 == room)
			return why_set(why, SM_EINVAL, "\"%.40s…\" is too long: at most %zu bytes", text, room - 1);
		ret_text[out++] = (char)c;
	}
	ret_text[out] = '\0';
	return 0;
}

/* The next "key=value" of a query: its bounds; the rest, or NULL at the end. */
static const char *next_pair(const char *query, size_t *ret_key_bytes, const char **ret_value, size_t *ret_value_bytes)
{
	size_t bytes = strcspn(query, "&");
	const char *equals = memchr(query, '=', bytes);

	*ret_key_bytes = equals == NULL ? bytes : (size_t)(equals - query);
	*ret_value = equals == NULL ? query + bytes : equals + 1;
	*ret_value_bytes = (size_t)(query + bytes - *ret_value);
	return query[bytes] == '&' ? query + bytes + 1 : NULL;
}

int http_query_get(const char *query, const char *key, char *ret_value, size_t value_bytes, struct why *why)
{
	size_t key_length = strlen(key), key_bytes, found_bytes = 0, bytes;
	const char *value, *found = NULL;

	for (const char *next, *pair = query; pair != NULL; pair = next) {
		next = next_pair(pair, &key_bytes, &value, &bytes);
		if (key_bytes != key_length || memcmp(pair, key, key_length) != 0)
			continue;
		if (found != NULL)
			return why_set(why, SM_EINVAL, "the query has \"%s\" more than once: give it once", key);
		found = value;
		found_bytes = bytes;
	}
	if (found == NULL)
		return why_set(why, SM_ENOENT, "the query has no \"%s\": add ?%s=…", key, key);
	return http_query_decode(found, found_bytes, true, ret_value, value_bytes, why);
}
