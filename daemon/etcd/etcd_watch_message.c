/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One message of a watch stream, taken apart.
 */
#include "etcd_watch_message.h"

#include "etcd_json.h"
#include "shardmgr.h"

#include <string.h>

static int parse_event(const json_t *object, struct etcd_arena *arena, struct etcd_event *ret_event)
{
	const char *type = json_string_value(json_object_get(object, "type"));

	if (!json_is_object(object) || (json_object_get(object, "type") && !type))
		return SM_EPROTO;
	if (type && strcmp(type, "PUT") != 0 && strcmp(type, "DELETE") != 0)
		return SM_EPROTO;
	ret_event->deleted = type && strcmp(type, "DELETE") == 0;
	return etcd_json_kv(json_object_get(object, "kv"), arena, &ret_event->kv);
}

static int parse_events(const json_t *array, struct etcd_arena *arena, struct etcd_watch_message *message)
{
	int64_t before = 0;
	int error;

	message->count = json_array_size(array);
	message->events = etcd_arena_get(arena, message->count, sizeof(*message->events));
	if (!message->events)
		return SM_ENOMEM;
	for (size_t i = 0; i < message->count; i++) {
		error = parse_event(json_array_get(array, i), arena, &message->events[i]);
		if (!error && message->events[i].kv.mod_revision < before)
			error = SM_EPROTO;
		if (error)
			return error;
		before = message->events[i].kv.mod_revision;
	}
	return 0;
}

static void parse_cancellation(const json_t *result, struct etcd_watch_message *message, struct why *why)
{
	const char *reason = json_string_value(json_object_get(result, "cancel_reason"));

	message->kind = ETCD_WATCH_CANCELED;
	if (message->compact_revision > 0) {
		why_set(why, 0, "compacted up to revision %lld", (long long)message->compact_revision);
		return;
	}
	why_set(why, 0, "etcd has cancelled the watch: %s", reason && *reason ? reason : "no reason given");
	message->verdict = etcd_error_judge_text(reason ? reason : "");
}

static int parse_result(
        const json_t *result, struct etcd_arena *arena, struct etcd_watch_message *message, struct why *why)
{
	bool created, canceled;
	const json_t *events;
	int error;

	if (etcd_json_bool(result, "created", &created) || etcd_json_bool(result, "canceled", &canceled) ||
	        etcd_json_int64(result, "compact_revision", &message->compact_revision) ||
	        etcd_json_array(result, "events", &events))
		return SM_EPROTO;
	if (canceled || message->compact_revision > 0) {
		parse_cancellation(result, message, why);
		return 0;
	}
	if (etcd_json_header(result, &message->header))
		return SM_EPROTO;
	message->kind = created ? ETCD_WATCH_CREATED : events ? ETCD_WATCH_EVENTS : ETCD_WATCH_PROGRESS;
	error = parse_events(events, arena, message);
	return created && message->count > 0 ? SM_EPROTO : error;
}

int etcd_watch_message_parse(const char *text, size_t bytes, struct etcd_arena *arena,
        struct etcd_watch_message *ret_message, struct why *why)
{
	struct etcd_watch_message message = { 0 };
	json_t *object = json_loadb(text, bytes, 0, NULL);
	const json_t *result = json_object_get(object, "result");
	int error = 0;

	if (json_is_object(result)) {
		error = parse_result(result, arena, &message, why);
	} else if (json_object_get(object, "error")) {
		message.kind = ETCD_WATCH_ERROR;
		message.verdict = etcd_error_judge(200, object, why);
	} else {
		error = SM_EPROTO;
	}
	json_decref(object);
	if (error)
		return why_set(why, error, "a message on the watch that makes no sense");
	*ret_message = message;
	return 0;
}
