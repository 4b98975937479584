/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_read.h"

#include "common/keys.h"
#include "http_query.h"
#include "http_render.h"
#include "http_reply.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_COUNTS 100 /* beside enum http_render_kind */
#define TRIES 3          /* to read one state while the service changes all the time */

static struct http_cache_stamp stamp_of(struct http_app *app, const struct view *view, uint32_t service)
{
	return (struct http_cache_stamp){ http_view_generation(app->view),
		service == VIEW_NONE ? view_revision(view) : view_service_version(view, service) };
}

/* What was read since stamp is one state. */
static bool is_whole(struct http_app *app, const struct view *view, uint32_t service, struct http_cache_stamp stamp)
{
	return (stamp.version & VIEW_CHANGING) == 0 && stamp_of(app, view, service).version == stamp.version;
}

/* Renders until no change came in between, at last as it is then; a new holder of the body, kept only when it is of one state. */
static struct http_body *render(
        struct http_app *app, const struct view *view, enum http_render_kind kind, uint32_t service, const char *name)
{
	struct http_body *body = NULL;
	struct http_cache_stamp stamp;
	size_t bytes = 0;
	bool whole = false;

	for (int i = 0; i < TRIES && !whole; i++) {
		char *text;

		http_body_release(body);
		stamp = stamp_of(app, view, service);
		text = http_render(kind, view, service, name, &bytes);
		body = http_body_new(text, bytes);
		whole = is_whole(app, view, service, stamp);
	}
	if (whole && body != NULL)
		http_cache_put(app->cache, kind, name, stamp, body);
	return body;
}

static void reply_rendered(struct http_app *app, struct http_request *request, const struct view *view,
        enum http_render_kind kind, uint32_t service, const char *name)
{
	struct http_body *body = http_cache_get(app->cache, kind, name, stamp_of(app, view, service));

	if (body != NULL) {
		http_reply_json(request, 200, body);
		return;
	}
	body = render(app, view, kind, service, name);
	http_reply_json(request, 200, body);
	http_body_release(body);
}

/* The service a request names: in the query, or in the body as sm-go's clients may. */
static int find_name(struct http_request *request, char *ret_name, struct why *why)
{
	static const struct http_field field = { "service", HTTP_FIELD_ID, true, "the service's name" };
	int error = http_query_get(request->query, "service", ret_name, KEYS_ID_BYTES + 1, why);
	json_t *object, *arguments;
	const char *body;
	size_t bytes;

	if (error != SM_ENOENT) /* found, or bad */
		return error;
	body = http_request_body(request, &bytes);
	if (bytes == 0)
		return SM_EINVAL;
	error = http_input_parse(body, bytes, &object, why);
	if (error != 0)
		return error;
	error = http_input_fields(object, "", &field, 1, false, &arguments, why);
	json_decref(object);
	if (error != 0)
		return error;
	strcpy(ret_name, json_string_value(json_object_get(arguments, "service")));
	json_decref(arguments);
	return 0;
}

/* M counts as known before sync has written anything about it. */
static int find_service(const struct view *view, const char *name, uint32_t *ret_service, struct why *why)
{
	struct view_service service;
	uint32_t row = view_service_find(view, name);

	if (row != VIEW_NONE)
		view_service_get(view, row, &service);
	if ((row == VIEW_NONE || !service.exists) && strcmp(name, view_manager_service(view)) != 0)
		return why_set(why, SM_ENOENT,
		        "service \"%s\" is unknown: GET /sm/server/get-spec lists the services, POST "
		        "/sm/server/add-spec "
		        "adds one",
		        name);
	*ret_service = row;
	return 0;
}

static void read_service(struct http_app *app, struct http_request *request, enum http_render_kind kind)
{
	char name[KEYS_ID_BYTES + 1];
	const struct view *view;
	uint32_t service;
	struct why why = { "" };
	int error = find_name(request, name, &why);

	if (error != 0) {
		http_reply_error(request, 400, "%s", why.text);
		return;
	}
	view = http_view_refresh(app->view, &why);
	if (view == NULL)
		http_reply_error(request, 500, "%s", why.text);
	else if (find_service(view, name, &service, &why) != 0)
		http_reply_error(request, 400, "%s", why.text);
	else
		reply_rendered(app, request, view, kind, service, name);
}

void http_read_shards(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)route;
	read_service(app, request, HTTP_RENDER_SHARDS);
}

void http_read_workers(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)route;
	read_service(app, request, HTTP_RENDER_WORKERS);
}

void http_read_detail(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)route;
	read_service(app, request, HTTP_RENDER_DETAIL);
}

void http_read_services(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	struct why why;
	const struct view *view = http_view_refresh(app->view, &why);

	(void)route;
	if (view == NULL)
		http_reply_error(request, 500, "%s", why.text);
	else
		reply_rendered(app, request, view, HTTP_RENDER_SERVICES, VIEW_NONE, "");
}

void http_read_health(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)route;
	http_reply_json(request, 200, app->health);
}

struct http_rows_counts http_read_counts(
        struct http_app *app, const struct view *view, uint32_t service, const char *name)
{
	struct http_cache_stamp stamp = stamp_of(app, view, service);
	struct http_body *kept = http_cache_get(app->cache, CACHE_COUNTS, name, stamp);
	struct http_rows_counts counts;
	char *copy;

	if (kept != NULL) {
		memcpy(&counts, kept->text, sizeof(counts));
		return counts;
	}
	counts = http_rows_count(view, service);
	copy = malloc(sizeof(counts));
	if (copy == NULL || !is_whole(app, view, service, stamp)) {
		free(copy);
		return counts;
	}
	kept = http_body_new(memcpy(copy, &counts, sizeof(counts)), sizeof(counts));
	if (kept != NULL)
		http_cache_put(app->cache, CACHE_COUNTS, name, stamp, kept);
	http_body_release(kept);
	return counts;
}

static void reply_status(
        struct http_app *app, struct http_request *request, const struct view *view, const char **names, size_t count)
{
	struct http_rows_counts counts;
	struct http_json json;
	bool green = true;

	http_json_init(&json, 128 + count * 160);
	http_json_open(&json, '{');
	http_json_key_int(&json, "revision", (int64_t)view_revision(view));
	http_json_key_int(&json, "ageMs", http_view_age_ms(view));
	http_json_key(&json, "services");
	http_json_open(&json, '[');
	for (size_t i = 0; i < count; i++) {
		counts = http_read_counts(app, view, view_service_find(view, names[i]), names[i]);
		green = green && counts.serving == counts.shards;
		http_render_status(&json, names[i], &counts);
	}
	http_json_close(&json, ']');
	http_json_key_bool(&json, "green", green);
	http_json_close(&json, '}');
	http_reply_written(request, 200, &json);
}

static void status_of_all(struct http_app *app, struct http_request *request, const struct view *view)
{
	size_t count;
	const char **names = http_rows_services(view, &count);

	if (names == NULL) {
		http_reply_json(request, 500, NULL);
		return;
	}
	reply_status(app, request, view, names, count);
	free(names);
}

void http_read_status(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	char name[KEYS_ID_BYTES + 1];
	const char *names[] = { name };
	struct why why = { "" };
	const struct view *view = http_view_refresh(app->view, &why);
	uint32_t service;
	int error;

	(void)route;
	if (view == NULL) {
		http_reply_error(request, 500, "%s", why.text);
		return;
	}
	error = http_query_get(request->query, "service", name, sizeof(name), &why);
	if (error == SM_ENOENT)
		status_of_all(app, request, view);
	else if (error != 0 || find_service(view, name, &service, &why) != 0)
		http_reply_error(request, 400, "%s", why.text);
	else
		reply_status(app, request, view, names, 1);
}
