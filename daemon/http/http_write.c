/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_write.h"

#include "common/keys.h"
#include "http_query.h"
#include "http_reply.h"
#include "shardmgr.h"
#include "view_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum answer { ANSWER_EMPTY, ANSWER_FIRST, ANSWER_EACH }; /* {}, the first result, every result */

struct change {
	struct http_app *app;
	struct http_request *request;
	struct http_command_call *call;
	enum answer answer;
	char subject[2 * KEYS_ID_BYTES + 40]; /* what an error is about, for people */
};

static void reply_failed(const struct change *change, int error, const char *text)
{
	if (error == SM_EUNKNOWN)
		http_reply_error(change->request, 500,
		        "%s: the outcome is unknown (%s): the change was made, will be made, or will not; read before "
		        "you repeat it",
		        change->subject, *text == '\0' ? "no answer" : text);
	else
		http_reply_error(change->request, http_reply_status(error), "%s: %s", change->subject,
		        *text == '\0' ? "sync refused without a reason" : text);
}

static void put_result(struct http_json *json, const json_t *result)
{
	const char *id = json_string_value(json_object_get(result, "id"));
	const char *text = json_string_value(json_object_get(result, "error"));
	int code = (int)json_integer_value(json_object_get(result, "code"));

	http_json_open(json, '{');
	http_json_key_string(json, "shardId", id == NULL ? "" : id);
	http_json_key_int(json, "status", code == 0 ? 200 : http_reply_status(code));
	http_json_key_string(json, "error", text == NULL ? "" : text);
	http_json_close(json, '}');
}

static void reply_results(struct http_request *request, const json_t *results)
{
	struct http_json json;

	http_json_init(&json, json_array_size(results) * 64);
	http_json_open(&json, '{');
	http_json_key(&json, "results");
	http_json_open(&json, '[');
	for (size_t i = 0; i < json_array_size(results); i++)
		put_result(&json, json_array_get(results, i));
	http_json_close(&json, ']');
	http_json_close(&json, '}');
	http_reply_written(request, 200, &json);
}

static void on_answer(void *arg, int error, const char *text, const json_t *results)
{
	struct change *change = arg;
	const json_t *first = json_array_get(results, 0);
	const char *first_text = json_string_value(json_object_get(first, "error"));

	if (error == 0 && change->answer == ANSWER_FIRST) {
		error = (int)json_integer_value(json_object_get(first, "code"));
		text = first_text == NULL ? "" : first_text;
	}
	if (error != 0)
		reply_failed(change, error, text);
	else if (change->answer == ANSWER_EACH)
		reply_results(change->request, results);
	else
		http_reply_json(change->request, 200, change->app->empty_object);
	free(change);
}

static void on_overdue(struct http_request *request, void *arg)
{
	struct change *change = arg;
	if (http_command_cancel(change->call))
		http_reply_error(request, 500,
		        "%s: the outcome is unknown (sync has not answered in time): the change was made, will be "
		        "made, "
		        "or will not; read before you repeat it",
		        change->subject);
	else
		http_reply_error(request, 500,
		        "%s: nothing was done: sync could not be reached in time; see its log, then try again",
		        change->subject);
	free(change);
}

/* "shard s1 of service S", or "service S" for what is about all of it or about many shards */
static void name_subject(struct change *change, const json_t *arguments)
{
	const char *service = json_string_value(json_object_get(arguments, "service"));
	const json_t *shard = json_object_get(arguments, "shardId");

	if (change->answer == ANSWER_FIRST) {
		shard = json_array_get(json_object_get(arguments, "shards"), 0);
		if (json_is_object(shard))
			shard = json_object_get(shard, "shardId");
	}
	if (shard == NULL)
		snprintf(change->subject, sizeof(change->subject), "service %s", service);
	else
		snprintf(change->subject, sizeof(change->subject), "shard %s of service %s", json_string_value(shard),
		        service);
}

/* Hands the change to sync; takes arguments over. */
static void send_change(
        struct http_app *app, struct http_request *request, const char *op, json_t *arguments, enum answer answer)
{
	struct change *change = calloc(1, sizeof(*change));

	if (change != NULL && arguments != NULL) {
		*change = (struct change){ .app = app, .request = request, .answer = answer };
		name_subject(change, arguments);
		change->call = http_command_send(app->command, op, arguments, on_answer, change);
	}
	json_decref(arguments);
	if (change == NULL || change->call == NULL) {
		free(change);
		http_reply_json(request, 500, NULL);
		return;
	}
	request->overdue = on_overdue;
	request->overdue_arg = change;
}

/* The body's object, or NULL after having answered. */
static json_t *read_object(struct http_request *request)
{
	struct why why = { "" };
	json_t *object;
	size_t bytes;
	const char *body = http_request_body(request, &bytes);

	if (http_input_parse(body, bytes, &object, &why) == 0)
		return object;
	http_reply_error(request, 400, "%s", why.text);
	return NULL;
}

static void reply_bad(struct http_request *request, int error, const struct why *why)
{
	if (error == SM_ENOMEM)
		http_reply_json(request, 500, NULL);
	else
		http_reply_error(request, 400, "%s", why->text);
}

/* The body's fields as the route names them, or NULL after having answered. */
static json_t *read_fields(struct http_request *request, const struct http_route *route, bool defaults)
{
	struct why why = { "" };
	json_t *object = read_object(request), *arguments;
	int error;

	if (object == NULL)
		return NULL;
	error = http_input_fields(object, "", route->fields, route->field_count, defaults, &arguments, &why);
	json_decref(object);
	if (error == 0)
		return arguments;
	reply_bad(request, error, &why);
	return NULL;
}

/* An update leaves out what it does not change; the others have defaults. */
static bool is_update(const struct http_route *route)
{
	return strncmp(route->op, "update-", 7) == 0;
}

static size_t required_count(const struct http_route *route)
{
	size_t count = 0;

	for (size_t i = 0; i < route->field_count; i++)
		count += route->fields[i].required;
	return count;
}

void http_write_plain(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	json_t *arguments = read_fields(request, route, !is_update(route));

	if (arguments == NULL)
		return;
	if (is_update(route) && json_object_size(arguments) == required_count(route)) {
		json_decref(arguments);
		http_reply_error(request, 400, "nothing to change: give at least one of the optional fields");
		return;
	}
	send_change(app, request, route->op, arguments, ANSWER_EMPTY);
}

void http_write_delete_spec(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	char name[KEYS_ID_BYTES + 1];
	struct why why = { "" };
	size_t bytes;
	int error = http_query_get(request->query, "service", name, sizeof(name), &why);

	http_request_body(request, &bytes);
	if (error == SM_ENOENT && bytes > 0) {
		http_write_plain(app, request, route);
		return;
	}
	if (error == 0)
		error = keys_check(KEYS_PART_ID, "service", name, &why);
	if (error != 0)
		http_reply_error(request, 400, "%s", why.text);
	else
		send_change(app, request, route->op, json_pack("{s:s}", "service", name), ANSWER_EMPTY);
}

/* {"service":S,"shards":[shard]} out of one shard's fields */
static json_t *wrap_shard(json_t *fields, bool only_id)
{
	json_t *service = json_incref(json_object_get(fields, "service")), *shard = fields;

	json_object_del(fields, "service");
	if (only_id) {
		shard = json_incref(json_object_get(fields, "shardId"));
		json_decref(fields);
	}
	return json_pack("{s:o, s:[o]}", "service", service, "shards", shard);
}

static void write_one(struct http_app *app, struct http_request *request, const struct http_route *route, bool only_id)
{
	json_t *fields = read_fields(request, route, true);

	if (fields != NULL)
		send_change(app, request, route->op, wrap_shard(fields, only_id), ANSWER_FIRST);
}

void http_write_shard(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	write_one(app, request, route, false);
}

void http_write_shard_delete(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	write_one(app, request, route, true);
}

/* route->fields: the service first, then those of each shard; without such, shards are plain ids. */
void http_write_shards(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	struct why why = { "" };
	json_t *object = read_object(request), *arguments = NULL, *shards = NULL;
	int error;

	if (object == NULL)
		return;
	error = http_input_fields(object, "", route->fields, 1, false, &arguments, &why);
	if (error == 0)
		error = http_input_shards(object, route->fields + 1, route->field_count - 1, &shards, &why);
	if (error == 0 && json_object_set_new(arguments, "shards", shards) != 0)
		error = SM_ENOMEM;
	json_decref(object);
	if (error == 0) {
		send_change(app, request, route->op, arguments, ANSWER_EACH);
		return;
	}
	json_decref(arguments);
	reply_bad(request, error, &why);
}

/* Whether the service that the body's "id" names is governed here: every one that is known, as long as there is one smd. -1: answered. */
static int read_governed(
        struct http_app *app, struct http_request *request, const struct http_route *route, char *ret_name)
{
	struct why why = { "" };
	struct view_service service = { 0 };
	const struct view *view;
	json_t *fields = read_fields(request, route, false);
	uint32_t row;

	if (fields == NULL)
		return -1;
	strcpy(ret_name, json_string_value(json_object_get(fields, "id")));
	json_decref(fields);
	view = http_view_refresh(app->view, &why);
	if (view == NULL) {
		http_reply_error(request, 500, "%s", why.text);
		return -1;
	}
	row = view_service_find(view, ret_name);
	if (row != VIEW_NONE)
		view_service_get(view, row, &service);
	return service.exists;
}

void http_write_govern(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	char name[KEYS_ID_BYTES + 1];
	int governed = read_governed(app, request, route, name);

	if (governed == 0)
		http_reply_error(request, 400, "service \"%s\" is unknown: POST /sm/server/add-spec adds one", name);
	else if (governed > 0)
		http_reply_json(request, 200, app->empty_object);
}

void http_write_ungovern(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	char name[KEYS_ID_BYTES + 1];
	int governed = read_governed(app, request, route, name);

	if (governed > 0)
		http_reply_error(request, 500,
		        "service \"%s\" stays here: giving up its governing needs another smd to take it over", name);
	else if (governed == 0)
		http_reply_json(request, 200, app->empty_object);
}
