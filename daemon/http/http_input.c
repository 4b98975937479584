/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_input.h"

#include "common/command.h"
#include "common/keys.h"
#include "shardmgr.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

int http_input_parse(const char *text, size_t bytes, json_t **ret_object, struct why *why)
{
	json_error_t error;
	json_t *object;

	if (bytes == 0)
		return why_set(why, SM_EINVAL, "the request has no body: send a JSON object");
	object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return why_set(why, SM_EINVAL, "the body is not JSON: line %d, column %d: %.200s", error.line,
		        error.column, error.text);
	if (!json_is_object(object)) {
		why_set(why, SM_EINVAL, "the body is %s: send a JSON object, {\"name\":value,…}", type_name(object));
		json_decref(object);
		return SM_EINVAL;
	}
	*ret_object = object;
	return 0;
}

static int check_count(const json_t *value, const char *name, struct why *why)
{
	if (!json_is_integer(value))
		return why_set(why, SM_EINVAL, "%s is %s: it must be a whole number", name, type_name(value));
	if (json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
		return why_set(why, SM_EINVAL, "%s is %" JSON_INTEGER_FORMAT ": it must be from 0 to %d", name,
		        json_integer_value(value), INT32_MAX);
	return 0;
}

static int check_length(const json_t *value, const char *name, size_t most, struct why *why)
{
	if (json_string_length(value) > most)
		return why_set(why, SM_EINVAL, "%s has %zu bytes: at most %zu are allowed", name,
		        json_string_length(value), most);
	return 0;
}

static int check_text(const json_t *value, const char *name, const struct http_field *field, struct why *why)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return why_set(why, SM_EINVAL, "%s is %s: it must be a string", name, type_name(value));
	if (*text == '\0')
		return field->required ? why_set(why, SM_EINVAL, "%s is empty: give %s", name, field->doc) : 0;
	switch (field->type) {
	case HTTP_FIELD_ID:
		return keys_check(KEYS_PART_ID, name, text, why);
	case HTTP_FIELD_CONTAINER:
		return keys_check_address(name, text, false, why);
	case HTTP_FIELD_NAME:
		return check_length(value, name, KEYS_ID_BYTES, why);
	default:
		return check_length(value, name, KEYS_TASK_BYTES, why);
	}
}

/* Checks one field and puts it, or its default, into arguments. */
static int take_field(const json_t *object, const char *where, const struct http_field *field, bool defaults,
        json_t *arguments, struct why *why)
{
	json_t *value = json_object_get(object, field->name);
	bool is_count = field->type == HTTP_FIELD_COUNT;
	char name[96];
	int error;

	snprintf(name, sizeof(name), "%s%s", where, field->name);
	if (value == NULL || json_is_null(value)) {
		if (field->required)
			return why_set(why, SM_EINVAL, "%s is missing: give %s", name, field->doc);
		if (!defaults)
			return 0;
		value = is_count ? json_integer(0) : json_string("");
		return json_object_set_new(arguments, field->name, value) == 0 ? 0 : SM_ENOMEM;
	}
	error = is_count ? check_count(value, name, why) : check_text(value, name, field, why);
	if (error == 0 && json_object_set(arguments, field->name, value) != 0)
		error = SM_ENOMEM;
	return error;
}

int http_input_fields(const json_t *object, const char *where, const struct http_field *fields, size_t count,
        bool defaults, json_t **ret_arguments, struct why *why)
{
	json_t *arguments = json_object();
	int error = arguments == NULL ? SM_ENOMEM : 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		error = take_field(object, where, &fields[i], defaults, arguments, why);
	if (error != 0) {
		json_decref(arguments);
		return error;
	}
	*ret_arguments = arguments;
	return 0;
}

/* One element of "shards"; *ret_id is valid as long as *ret_shard. */
static int take_shard(const json_t *element, const char *where, const struct http_field *fields, size_t count,
        json_t **ret_shard, const char **ret_id, struct why *why)
{
	int error;

	if (count > 0 && !json_is_object(element))
		return why_set(
		        why, SM_EINVAL, "%s is %s: it must be an object with shardId", where, type_name(element));
	if (count > 0) {
		char prefix[48];

		snprintf(prefix, sizeof(prefix), "%s.", where);
		error = http_input_fields(element, prefix, fields, count, true, ret_shard, why);
		if (error == 0)
			*ret_id = json_string_value(json_object_get(*ret_shard, "shardId"));
		return error;
	}
	if (!json_is_string(element))
		return why_set(
		        why, SM_EINVAL, "%s is %s: it must be a shard's id, a string", where, type_name(element));
	error = keys_check(KEYS_PART_ID, where, json_string_value(element), why);
	if (error == 0) {
		*ret_shard = json_incref((json_t *)element);
		*ret_id = json_string_value(element);
	}
	return error;
}

static int remember(json_t *seen, const char *id, size_t index, struct why *why)
{
	json_t *before = json_object_get(seen, id);

	if (before != NULL)
		return why_set(why, SM_EINVAL,
		        "shards[%zu] and shards[%" JSON_INTEGER_FORMAT "] are both \"%s\": name a shard once", index,
		        json_integer_value(before), id);
	return json_object_set_new_nocheck(seen, id, json_integer((json_int_t)index)) == 0 ? 0 : SM_ENOMEM;
}

static int take_shards(const json_t *list, const struct http_field *fields, size_t count, json_t *shards, json_t *seen,
        struct why *why)
{
	char where[40];
	const char *id = "";
	json_t *shard;
	int error;

	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(where, sizeof(where), "shards[%zu]", i);
		error = take_shard(json_array_get(list, i), where, fields, count, &shard, &id, why);
		if (error != 0)
			return error;
		error = remember(seen, id, i, why);
		if (json_array_append_new(shards, shard) != 0 && error == 0)
			error = SM_ENOMEM;
		if (error != 0)
			return error;
	}
	return 0;
}

int http_input_shards(
        const json_t *object, const struct http_field *fields, size_t count, json_t **ret_shards, struct why *why)
{
	const json_t *list = json_object_get(object, "shards");
	json_t *shards, *seen;
	int error;

	if (list == NULL)
		return why_set(why, SM_EINVAL, "shards is missing: give a list of %s",
		        count > 0 ? "objects with shardId" : "shard ids");
	if (!json_is_array(list))
		return why_set(why, SM_EINVAL, "shards is %s: it must be an array", type_name(list));
	if (json_array_size(list) == 0 || json_array_size(list) > COMMAND_SHARDS)
		return why_set(why, SM_EINVAL, "shards has %zu elements: give from 1 to %d", json_array_size(list),
		        COMMAND_SHARDS);
	shards = json_array();
	seen = json_object();
	error = shards == NULL || seen == NULL ? SM_ENOMEM : take_shards(list, fields, count, shards, seen, why);
	json_decref(seen);
	if (error != 0) {
		json_decref(shards);
		return error;
	}
	*ret_shards = shards;
	return 0;
}
