/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Request bodies: JSON text and a table of fields in, checked arguments out. Whatever is wrong is said with field, place and what to do.
 * No I/O. Fields that the table does not name are ignored, as sm-go does; null counts as absent.
 */
#ifndef HTTP_INPUT_H
#define HTTP_INPUT_H

#include "common/why.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum http_field_type {
	HTTP_FIELD_ID,        /* shard, service, worker group: keys_check */
	HTTP_FIELD_CONTAINER, /* host:port */
	HTTP_FIELD_NAME,      /* a balance group: any text up to KEYS_ID_BYTES */
	HTTP_FIELD_TASK,      /* any text up to KEYS_TASK_BYTES */
	HTTP_FIELD_COUNT      /* whole number from 0 to 2^31 - 1 */
};
struct http_field {
	const char *name;
	enum http_field_type type;
	bool required; /* present, and not "" */
	const char *doc;
};

/* The JSON object in text. *ret_object: new reference. SM_EINVAL with line and column. */
int http_input_parse(const char *text, size_t bytes, json_t **ret_object, struct why *why);

/* The table's fields of object, checked, as a new object that holds nothing else. defaults: absent fields become "" or 0; else they stay
 * absent. where goes before field names in errors ("" or "shards[17]."). */
int http_input_fields(const json_t *object, const char *where, const struct http_field *fields, size_t count,
        bool defaults, json_t **ret_arguments, struct why *why);

/* object's list "shards", 1 to COMMAND_SHARDS long, each shard once, checked: objects by the table fields (count > 0; each has shardId),
 * or plain ids (count == 0). A new array. */
int http_input_shards(
        const json_t *object, const struct http_field *fields, size_t count, json_t **ret_shards, struct why *why);

#endif
