/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A growing text.
 */
#include "etcd_text.h"

#include "etcd_base64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES ((size_t)256 * 1024) /* more is not kept by an empty text */

/* Room for so many bytes more at the end, or NULL. */
static char *reserve(struct etcd_text *text, size_t bytes)
{
	size_t room = text->room ? text->room : 256;
	char *grown;

	if (text->failed)
		return NULL;
	if (text->room - text->bytes >= bytes)
		return text->data + text->bytes;
	while (room - text->bytes < bytes) {
		if (room > SIZE_MAX / 2) {
			text->failed = true;
			return NULL;
		}
		room *= 2;
	}
	grown = realloc(text->data, room);
	if (!grown) {
		text->failed = true;
		return NULL;
	}
	text->data = grown;
	text->room = room;
	return text->data + text->bytes;
}

void etcd_text_add_bytes(struct etcd_text *text, const void *data, size_t bytes)
{
	char *end = reserve(text, bytes);

	if (!end || bytes == 0)
		return;
	memcpy(end, data, bytes);
	text->bytes += bytes;
}

void etcd_text_add(struct etcd_text *text, const char *terminated)
{
	etcd_text_add_bytes(text, terminated, strlen(terminated));
}

void etcd_text_add_number(struct etcd_text *text, int64_t number)
{
	char quoted[32];

	etcd_text_add_bytes(text, quoted, (size_t)snprintf(quoted, sizeof(quoted), "\"%" PRId64 "\"", number));
}

void etcd_text_add_base64(struct etcd_text *text, const void *data, size_t bytes)
{
	size_t encoded = etcd_base64_encoded_bytes(bytes);
	char *end = reserve(text, encoded + 2);

	if (!end)
		return;
	end[0] = '"';
	etcd_base64_encode(data, bytes, end + 1);
	end[encoded + 1] = '"';
	text->bytes += encoded + 2;
}

void etcd_text_add_string(struct etcd_text *text, const char *utf8)
{
	char escaped[8];

	etcd_text_add(text, "\"");
	for (; *utf8; utf8++) {
		if ((unsigned char)*utf8 < 0x20 || *utf8 == '"' || *utf8 == '\\') {
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned char)*utf8);
			etcd_text_add(text, escaped);
		} else {
			etcd_text_add_bytes(text, utf8, 1);
		}
	}
	etcd_text_add(text, "\"");
}

void etcd_text_consume(struct etcd_text *text, size_t bytes)
{
	if (bytes == 0)
		return;
	text->bytes -= bytes;
	if (text->bytes == 0 && text->room > KEEP_BYTES)
		etcd_text_done(text);
	else
		memmove(text->data, text->data + bytes, text->bytes);
}

void etcd_text_done(struct etcd_text *text)
{
	free(text->data);
	*text = (struct etcd_text){ 0 };
}
