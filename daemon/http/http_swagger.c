/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_swagger.h"

#include "http_reply.h"

#include <string.h>

static void put_service_parameter(struct http_json *json)
{
	http_json_open(json, '{');
	http_json_key_string(json, "name", "service");
	http_json_key_string(json, "in", "query");
	http_json_key_string(json, "type", "string");
	http_json_key_string(json, "description", "the service's name");
	http_json_close(json, '}');
}

static void put_properties(struct http_json *json, const struct http_field *fields, size_t count)
{
	http_json_key_string(json, "type", "object");
	http_json_key(json, "required");
	http_json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		if (fields[i].required)
			http_json_string(json, fields[i].name);
	http_json_close(json, ']');
	http_json_key(json, "properties");
	http_json_open(json, '{');
	for (size_t i = 0; i < count; i++) {
		http_json_key(json, fields[i].name);
		http_json_open(json, '{');
		http_json_key_string(json, "type", fields[i].type == HTTP_FIELD_COUNT ? "integer" : "string");
		http_json_key_string(json, "description", fields[i].doc);
		http_json_close(json, '}');
	}
}

/* "shards": a list of objects with fields, or of ids */
static void put_shards_property(struct http_json *json, const struct http_field *fields, size_t count)
{
	http_json_key(json, "shards");
	http_json_open(json, '{');
	http_json_key_string(json, "type", "array");
	http_json_key(json, "items");
	http_json_open(json, '{');
	if (count == 0) {
		http_json_key_string(json, "type", "string");
	} else {
		put_properties(json, fields, count);
		http_json_close(json, '}');
	}
	http_json_close(json, '}');
	http_json_close(json, '}');
}

static void put_body_parameter(struct http_json *json, const struct http_route *route)
{
	http_json_open(json, '{');
	http_json_key_string(json, "name", "body");
	http_json_key_string(json, "in", "body");
	http_json_key_bool(json, "required", !route->takes_service);
	http_json_key(json, "schema");
	http_json_open(json, '{');
	put_properties(json, route->fields, route->batch ? 1 : route->field_count);
	if (route->batch)
		put_shards_property(json, route->fields + 1, route->field_count - 1);
	http_json_close(json, '}'); /* properties */
	http_json_close(json, '}');
	http_json_close(json, '}');
}

static void put_response(struct http_json *json, const char *status, const char *text)
{
	http_json_key(json, status);
	http_json_open(json, '{');
	http_json_key_string(json, "description", text);
	http_json_close(json, '}');
}

static void put_operation(struct http_json *json, const struct http_route *route, const char *method)
{
	http_json_key(json, method);
	http_json_open(json, '{');
	http_json_key_string(json, "summary", route->summary);
	http_json_key(json, "parameters");
	http_json_open(json, '[');
	if (route->takes_service)
		put_service_parameter(json);
	if (route->field_count > 0)
		put_body_parameter(json, route);
	http_json_close(json, ']');
	http_json_key(json, "responses");
	http_json_open(json, '{');
	put_response(json, "200", route->answer);
	if (route->field_count > 0 || route->takes_service)
		put_response(json, "400", "{\"error\":\"what is wrong, where, and what to do\"}");
	put_response(json, "500", "{\"error\":\"what happened, and what to do\"}");
	http_json_close(json, '}');
	http_json_close(json, '}');
}

static void put_paths(struct http_json *json, const struct http_route *routes, size_t count)
{
	http_json_key(json, "paths");
	http_json_open(json, '{');
	for (size_t i = 0; i < count; i++) {
		http_json_key(json, routes[i].path);
		http_json_open(json, '{');
		put_operation(json, &routes[i], routes[i].kind == HTTP_ROUTE_READ ? "get" : "post");
		if (routes[i].kind == HTTP_ROUTE_DELETE)
			put_operation(json, &routes[i], "delete");
		http_json_close(json, '}');
	}
	http_json_close(json, '}');
}

struct http_body *http_swagger_new(const struct http_route *routes, size_t count)
{
	struct http_json json;
	size_t bytes = 0;
	char *text;

	http_json_init(&json, 16384);
	http_json_open(&json, '{');
	http_json_key_string(&json, "swagger", "2.0");
	http_json_key(&json, "info");
	http_json_open(&json, '{');
	http_json_key_string(&json, "title", "shard manager");
	http_json_key_string(&json, "version", SM_VERSION);
	http_json_close(&json, '}');
	http_json_key(&json, "consumes");
	http_json_raw(&json, "[\"application/json\"]", 20);
	http_json_key(&json, "produces");
	http_json_raw(&json, "[\"application/json\"]", 20);
	put_paths(&json, routes, count);
	http_json_close(&json, '}');
	text = http_json_take(&json, &bytes);
	return http_body_new(text, bytes);
}

void http_swagger_document(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)route;
	http_reply_json(request, 200, app->api);
}

static const char page[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>shard manager: API</title>\n"
        "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}code,pre{background:#8882;"
        "padding:.1em .3em}h2{font-size:1em;margin:1.5em 0 .3em}</style></head><body><h1>shard manager: API</h1>\n"
        "<p>The same as <a href=\"doc.json\">doc.json</a>.</p><div id=\"api\"></div>\n<script>\n"
        "const put=(tag,text,to)=>to.appendChild(Object.assign(document.createElement(tag),{textContent:text}));\n"
        "const api=document.getElementById('api');\n"
        "fetch('doc.json').then(r=>r.json()).then(doc=>{for(const [path,methods] of Object.entries(doc.paths))"
        "for(const [method,op] of Object.entries(methods)){\n"
        "put('h2',method.toUpperCase()+' '+path,api);put('p',op.summary,api);\n"
        "for(const p of "
        "op.parameters)put('pre',p.in=='query'?'?'+p.name+'=…':JSON.stringify(p.schema.properties,null,1),"
        "api);\nput('code','200 '+op.responses['200'].description,api);}});\n"
        "</script></body></html>\n";

void http_swagger_page(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	struct http_body *body = http_body_copy(page);

	(void)app;
	(void)route;
	if (body == NULL) {
		http_reply_json(request, 500, NULL);
		return;
	}
	http_request_reply(request, 200, "text/html; charset=utf-8", body);
	http_body_release(body);
}
