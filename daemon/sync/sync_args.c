/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "sync_args.h"

#include <shardmgr.h>
#include <string.h>

#define NUMBER_MOST INT32_MAX

int sync_args_text(const json_t *args, const char *name, const char **ret_text, struct why *why)
{
	const json_t *value = json_object_get(args, name);

	if (value != NULL && !json_is_null(value) && !json_is_string(value))
		return why_set(why, SM_EINVAL, "%s must be a string", name);
	*ret_text = json_string_value(value);
	return 0;
}

int sync_args_id(const json_t *args, const char *name, enum keys_part part, const char **ret_id, struct why *why)
{
	const char *id;
	int error = sync_args_text(args, name, &id, why);

	if (error == 0)
		error = keys_check(part, name, id, why);
	if (error == 0)
		*ret_id = id;
	return error;
}

int sync_args_service(const struct sync_context *context, const json_t *args, const char **ret_service, struct why *why)
{
	const char *service;
	int error = sync_args_id(args, "service", KEYS_PART_ID, &service, why);

	if (error != 0)
		return error;
	if (strcmp(service, context->keys->manager) == 0)
		return why_set(why, SM_EINVAL, "service %s is the manager's own; name a governed one", service);
	*ret_service = service;
	return 0;
}

int sync_args_number(const json_t *args, const char *name, int64_t *ret_number, bool *ret_given, struct why *why)
{
	const json_t *value = json_object_get(args, name);

	*ret_given = value != NULL && !json_is_null(value);
	if (!*ret_given)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > NUMBER_MOST)
		return why_set(why, SM_EINVAL, "%s must be a whole number from 0 to %d", name, NUMBER_MOST);
	*ret_number = json_integer_value(value);
	return 0;
}

static int short_text(const json_t *args, const char *name, const char **ret_text, size_t most, struct why *why)
{
	int error = sync_args_text(args, name, ret_text, why);

	if (error == 0 && *ret_text != NULL && strlen(*ret_text) > most)
		return why_set(
		        why, SM_EINVAL, "%s is %zu bytes long; at most %zu are allowed", name, strlen(*ret_text), most);
	return error;
}

/* An id, or "" for none. */
static int optional_id(const json_t *args, const char *name, enum keys_part part, const char **ret_id, struct why *why)
{
	int error = sync_args_text(args, name, ret_id, why);

	if (error != 0 || *ret_id == NULL || **ret_id == '\0')
		return error;
	return keys_check(part, name, *ret_id, why);
}

int sync_args_shard(const json_t *args, struct sync_args_shard *ret_shard, struct why *why)
{
	struct sync_args_shard shard;
	int error = short_text(args, "task", &shard.task, KEYS_TASK_BYTES, why);

	if (error == 0)
		error = short_text(args, "group", &shard.group, KEYS_ID_BYTES, why);
	if (error == 0)
		error = optional_id(args, "manualContainerId", KEYS_PART_CONTAINER, &shard.pin, why);
	if (error == 0)
		error = optional_id(args, "workerGroup", KEYS_PART_ID, &shard.worker_group, why);
	if (error == 0)
		*ret_shard = shard;
	return error;
}
