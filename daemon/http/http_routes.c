/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_routes.h"

#include "http_metrics.h"
#include "http_probe.h"
#include "http_query.h"
#include "http_read.h"
#include "http_reply.h"
#include "http_swagger.h"
#include "http_write.h"

#include <string.h>

#define SERVICE                                                                                                        \
	{                                                                                                              \
		"service", HTTP_FIELD_ID, true, "the service's name"                                                   \
	}
#define SHARD                                                                                                          \
	{                                                                                                              \
		"shardId", HTTP_FIELD_ID, true, "the shard's id, unique in its service"                                \
	}
#define SHARD_TEXTS                                                                                                    \
	{ "task", HTTP_FIELD_TASK, false, "opaque text for the application, at most 64 KiB" },                         \
	        { "manualContainerId", HTTP_FIELD_CONTAINER, false,                                                    \
		        "host:port of the only container that may have it" },                                          \
	        { "group", HTTP_FIELD_NAME, false, "shards of one group are balanced among themselves" },              \
	{                                                                                                              \
		"workerGroup", HTTP_FIELD_ID, false, "only containers of this worker group may have it"                \
	}

static const struct http_field spec_fields[] = { SERVICE,
	{ "maxShardCount", HTTP_FIELD_COUNT, false, "most shards of one container; 0 = no limit" },
	{ "maxRecoveryTime", HTTP_FIELD_COUNT, false, "s that a vanished container's shards wait for it; 0 = none" } };
static const struct http_field service_fields[] = { SERVICE };
static const struct http_field shard_fields[] = { SERVICE, SHARD, SHARD_TEXTS };
static const struct http_field shard_id_fields[] = { SERVICE, SHARD };
static const struct http_field worker_fields[] = { SERVICE,
	{ "workerGroup", HTTP_FIELD_ID, true, "the worker group's name" },
	{ "worker", HTTP_FIELD_CONTAINER, true, "host:port of a container" } };
static const struct http_field govern_fields[] = { { "id", HTTP_FIELD_ID, true, "the service to govern" } };

#define FIELDS(table) .fields = table, .field_count = sizeof(table) / sizeof((table)[0])
#define READ .kind = HTTP_ROUTE_READ
#define CHANGE .kind = HTTP_ROUTE_CHANGE
#define EACH "{\"results\":[{\"shardId\":\"s1\",\"status\":200,\"error\":\"\"}]}"

static const struct http_route routes[] = {
	{ "/sm/server/health", READ, .handle = http_read_health, .summary = "is the front there",
	        .answer = "{\"msg\":\"success\"}" },
	{ "/sm/server/get-spec", READ, .handle = http_read_services, .summary = "names of all services",
	        .answer = "{\"services\":[\"S\"]}" },
	{ "/sm/server/get-shard", READ, .handle = http_read_shards, .takes_service = true,
	        .summary = "ids of a service's shards", .answer = "{\"shards\":[\"s1\"]}" },
	{ "/sm/server/get-worker", READ, .handle = http_read_workers, .takes_service = true,
	        .summary = "a service's worker groups", .answer = "{\"workers\":{\"g1\":[\"host:port\"]}}" },
	{ "/sm/server/detail", READ, .handle = http_read_detail, .takes_service = true,
	        .summary = "everything about a service",
	        .answer = "{\"spec\":{},\"shardSpec\":{\"s1\":{}},\"workerGroup\":{\"g1\":[]},\"allocate\":{\"host:"
	                  "port\":"
	                  "[\"s1\"]},\"aliveContainers\":[],\"notAllocateShards\":[],\"notReadyShards\":[]}" },
	{ "/sm/server/status", READ, .handle = http_read_status, .takes_service = true,
	        .summary = "counts of every service, or of one; green: every shard has an owner that serves",
	        .answer = "{\"revision\":1,\"ageMs\":0,\"services\":[{\"service\":\"S\",\"green\":true,\"shards\":1,"
	                  "\"serving\":1,\"unassigned\":0,\"claims\":1,\"containers\":1}],\"green\":true}" },

	{ "/sm/server/add-spec", CHANGE, .handle = http_write_plain, .op = "add-spec", FIELDS(spec_fields),
	        .summary = "adds a service; changes nothing when it exists", .answer = "{}" },
	{ "/sm/server/update-spec", CHANGE, .handle = http_write_plain, .op = "update-spec", FIELDS(spec_fields),
	        .summary = "changes a service's limits", .answer = "{}" },
	{ "/sm/server/del-spec", .kind = HTTP_ROUTE_DELETE, .handle = http_write_delete_spec, .op = "del-spec",
	        .takes_service = true, FIELDS(service_fields),
	        .summary = "removes a service and its shards; by GET only with compat.getDelSpec", .answer = "{}" },
	{ "/sm/server/add-shard", CHANGE, .handle = http_write_shard, .op = "add-shards", FIELDS(shard_fields),
	        .summary = "adds a shard", .answer = "{}" },
	{ "/sm/server/del-shard", CHANGE, .handle = http_write_shard_delete, .op = "del-shards",
	        FIELDS(shard_id_fields), .summary = "removes a shard; also when it is absent", .answer = "{}" },
	{ "/sm/server/update-shard", CHANGE, .handle = http_write_plain, .op = "update-shard", FIELDS(shard_fields),
	        .summary = "changes what is given of a shard", .answer = "{}" },
	{ "/sm/server/add-shards", CHANGE, .handle = http_write_shards, .op = "add-shards", .batch = true,
	        FIELDS(shard_fields), .summary = "adds up to 10,000 shards, each answered", .answer = EACH },
	{ "/sm/server/del-shards", CHANGE, .handle = http_write_shards, .op = "del-shards", .batch = true,
	        FIELDS(service_fields), .summary = "removes up to 10,000 shards, each answered", .answer = EACH },
	{ "/sm/server/add-worker", CHANGE, .handle = http_write_plain, .op = "add-worker", FIELDS(worker_fields),
	        .summary = "adds a container to a worker group", .answer = "{}" },
	{ "/sm/server/del-worker", CHANGE, .handle = http_write_plain, .op = "del-worker", FIELDS(worker_fields),
	        .summary = "removes a container from a worker group; also when it is absent", .answer = "{}" },

	{ "/sm/admin/add-shard", CHANGE, .handle = http_write_govern, FIELDS(govern_fields), .op = "",
	        .summary = "asks this manager to govern a service", .answer = "{}" },
	{ "/sm/admin/drop-shard", CHANGE, .handle = http_write_ungovern, FIELDS(govern_fields), .op = "",
	        .summary = "asks this manager to give a service up", .answer = "{}" },

	{ "/livez", READ, .handle = http_probe_live, .summary = "the process answers", .answer = "ok" },
	{ "/readyz", READ, .handle = http_probe_ready, .summary = "what is answered is true now; 503 with the reason",
	        .answer = "ok" },
	{ "/metrics", READ, .handle = http_metrics_reply, .summary = "counters for Prometheus", .answer = "text" },
	{ "/swagger/doc.json", READ, .handle = http_swagger_document, .summary = "this document", .answer = "{}" },
	{ "/swagger/index.html", READ, .handle = http_swagger_page, .summary = "this document, for people",
	        .answer = "HTML" },
	{ "/swagger/", READ, .handle = http_swagger_page, .summary = "the same page", .answer = "HTML" },
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))
#define PATH_BYTES 64 /* longer than any route's */

const struct http_route *http_routes_table(unsigned *ret_count)
{
	*ret_count = ROUTES;
	return routes;
}

static unsigned find_route(const char *path)
{
	for (unsigned i = 0; i < ROUTES; i++)
		if (strcmp(routes[i].path, path) == 0)
			return i;
	return ROUTES;
}

/* The methods that a route answers, besides OPTIONS; *ret_names: the same for the Allow header. */
static unsigned methods_of(const struct http_app *app, const struct http_route *route, const char **ret_names)
{
	const unsigned change = EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE;

	if (route->kind == HTTP_ROUTE_READ) {
		*ret_names = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
		return EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | change;
	}
	if (route->kind == HTTP_ROUTE_DELETE && app->config->compat_get_del_spec) {
		*ret_names = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
		return EVHTTP_REQ_GET | change;
	}
	*ret_names = "POST, PUT, PATCH, DELETE, OPTIONS";
	return change;
}

/* Browsers say where a page is from that makes them send a request; another site's page must not change anything here. */
static bool is_foreign(const struct http_request *request)
{
	const char *origin = http_request_header(request, "Origin"), *host = http_request_header(request, "Host");
	const char *from = origin == NULL ? NULL : strstr(origin, "://");

	if (origin == NULL)
		return false;
	return from == NULL || host == NULL || strcasecmp(from + 3, host) != 0;
}

static void refuse_method(struct http_request *request, const struct http_route *route)
{
	static const char *const advice[] = { [HTTP_ROUTE_READ] = "use GET",
		[HTTP_ROUTE_CHANGE] = "it changes something, use POST",
		[HTTP_ROUTE_DELETE] =
		        "it changes something, use POST or DELETE, or set compat: {getDelSpec: true} in the "
		        "configuration" };

	http_reply_error(request, 405, "%s does not answer this method: %s", route->path, advice[route->kind]);
}

static void dispatch_to(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	const char *names;
	unsigned methods = methods_of(app, route, &names);

	if (request->method == EVHTTP_REQ_OPTIONS) {
		http_request_add_header(request, "Allow", names);
		http_reply_text(request, 200, "");
	} else if ((methods & request->method) == 0) {
		http_request_add_header(request, "Allow", names);
		refuse_method(request, route);
	} else if (route->kind != HTTP_ROUTE_READ && is_foreign(request)) {
		http_reply_error(request, 403,
		        "a page of another site (Origin: %.200s) asked for a change: send it from here",
		        http_request_header(request, "Origin"));
	} else {
		route->handle(app, request, route);
	}
}

void http_routes_dispatch(struct http_app *app, struct http_request *request)
{
	char path[PATH_BYTES];
	struct why why = { "" };
	bool encoded = strchr(request->path, '%') != NULL;

	request->tag = ROUTES;
	if (encoded && http_query_decode(request->path, strlen(request->path), false, path, sizeof(path), &why) != 0) {
		http_reply_error(request, 400, "the path: %s", why.text);
		return;
	}
	request->tag = find_route(encoded ? path : request->path);
	if (request->tag == ROUTES)
		http_reply_error(
		        request, 404, "nothing is served at %.200s: see /swagger/doc.json for what is", request->path);
	else
		dispatch_to(app, request, &routes[request->tag]);
}
