/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One parser and one printer for all records.
 */
#include "fields.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

static void *member(void *record, const struct field *field)
{
	return (char *)record + field->offset;
}

static const void *const_member(const void *record, const struct field *field)
{
	return (const char *)record + field->offset;
}

void fields_done(const struct field *fields, void *record)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		if (f->type != FIELD_TEXT)
			continue;
		free(*(char **)member(record, f));
		*(char **)member(record, f) = NULL;
	}
}

static int parse_int(const struct field *field, const json_t *value, void *to, struct why *why)
{
	int64_t n = 0;

	if (value != NULL && !json_is_integer(value))
		return why_set(why, SM_EPROTO, "field \"%s\" must be an integer", field->name);
	if (value != NULL)
		n = json_integer_value(value);
	if (n < field->min || n > field->max)
		return why_set(why, SM_EPROTO, "field \"%s\" is %lld, out of range", field->name, (long long)n);
	if (field->type == FIELD_UINT32)
		*(uint32_t *)to = (uint32_t)n;
	else
		*(int64_t *)to = n;
	return 0;
}

/* value NULL: absent. */
static int parse_field(const struct field *field, const json_t *value, void *to, struct why *why)
{
	switch (field->type) {
	case FIELD_TEXT:
		if (value != NULL && !json_is_string(value))
			return why_set(why, SM_EPROTO, "field \"%s\" must be a string", field->name);
		*(char **)to = strdup(value == NULL ? "" : json_string_value(value));
		return *(char **)to == NULL ? why_set(why, SM_ENOMEM, "out of memory") : 0;
	case FIELD_BOOL:
		if (value != NULL && !json_is_boolean(value))
			return why_set(why, SM_EPROTO, "field \"%s\" must be true or false", field->name);
		*(bool *)to = json_is_true(value);
		return 0;
	default:
		return parse_int(field, value, to, why);
	}
}

int fields_parse(const struct field *fields, const json_t *object, void *record, struct why *why)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		const json_t *value = json_object_get(object, f->name);
		/* Go writes null for what is absent. */
		int error = parse_field(f, json_is_null(value) ? NULL : value, member(record, f), why);

		if (error != 0) {
			fields_done(fields, record);
			return error;
		}
	}
	return 0;
}

json_t *fields_to_json(const struct field *fields, const void *record)
{
	json_t *object = json_object();

	for (const struct field *f = fields; object != NULL && f->name != NULL; f++) {
		const void *from = const_member(record, f);
		const char *text = f->type == FIELD_TEXT ? *(char *const *)from : NULL;
		int64_t n = f->type == FIELD_INT64    ? *(const int64_t *)from
		            : f->type == FIELD_UINT32 ? *(const uint32_t *)from
		                                      : 0;
		json_t *value;

		if (f->optional && n == 0)
			continue;
		if (f->type == FIELD_TEXT)
			value = json_string(text == NULL ? "" : text);
		else if (f->type == FIELD_BOOL)
			value = json_boolean(*(const bool *)from);
		else
			value = json_integer(n);
		if (json_object_set_new(object, f->name, value) < 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}
