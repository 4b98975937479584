/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The http role: puts the parts together and runs the loop.
 */
#include "common/log.h"
#include "common/role.h"
#include "http_metrics.h"
#include "http_routes.h"
#include "http_swagger.h"

#include <stdlib.h>
#include <sys/resource.h>

#define CACHE_BYTES (64u * 1024u * 1024u)
#define OWN_DESCRIPTORS 32 /* what the process needs besides connections */

struct front {
	struct role role;
	struct http_app app;
};

static void on_request(void *arg, struct http_request *request)
{
	http_routes_dispatch(arg, request);
}

static void on_replied(void *arg, const struct http_request *request, int status)
{
	struct http_app *app = arg;

	http_metrics_count(app->metrics, request->tag, status);
}

static const struct http_server_handler server_handler = { on_request, on_replied };

static void on_drained(void *arg)
{
	event_base_loopbreak(arg);
}

static void on_stop(void *arg)
{
	struct front *front = arg;

	http_server_stop(front->app.server, on_drained, front->role.base);
}

/* An accept that fails for want of descriptors would be tried again without end. */
static unsigned connections_possible(int64_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (unsigned)wanted;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= (rlim_t)wanted + OWN_DESCRIPTORS)
		return (unsigned)wanted;
	log_warning("maxConnections %lld needs more open files than the limit of %llu: %llu connections are served",
	        (long long)wanted, (unsigned long long)limit.rlim_cur,
	        (unsigned long long)limit.rlim_cur - OWN_DESCRIPTORS);
	return (unsigned)(limit.rlim_cur - OWN_DESCRIPTORS);
}

static void start_server(struct front *front)
{
	const struct config *config = front->role.config;
	const struct http_server_options options = { .listen_fd = ROLE_FD_LISTEN,
		.max_connections = connections_possible(config->max_connections),
		.max_header_bytes = (size_t)config->max_header_bytes,
		.max_body_bytes = (size_t)config->max_body_bytes,
		.request_timeout_ms = (unsigned)config->request_timeout_ms };

	if (http_server_new(front->role.base, &options, &server_handler, &front->app, &front->app.server) != 0)
		fatalx("out of memory");
}

static void start_app(struct front *front)
{
	struct http_app *app = &front->app;
	struct why why = { "out of memory" };
	unsigned count;
	const struct http_route *routes = http_routes_table(&count);

	app->config = front->role.config;
	app->view = http_view_new(app->config->runtime_dir);
	app->cache = http_cache_new(CACHE_BYTES);
	app->metrics = http_metrics_new(routes, count);
	app->empty_object = http_body_copy("{}");
	app->health = http_body_copy("{\"msg\":\"success\"}");
	app->api = http_swagger_new(routes, count);
	if (app->view == NULL || app->cache == NULL || app->metrics == NULL || app->empty_object == NULL ||
	        app->health == NULL || app->api == NULL ||
	        http_command_new(front->role.base, app->config->runtime_dir, &app->command, &why) != 0)
		fatalx("%s", why.text);
}

static void stop_app(struct http_app *app)
{
	http_server_free(app->server);
	http_command_free(app->command);
	http_body_release(app->api);
	http_body_release(app->health);
	http_body_release(app->empty_object);
	http_metrics_free(app->metrics);
	http_cache_free(app->cache);
	http_view_free(app->view);
}

int http_main(void)
{
	struct front front = { 0 };
	int status;

	/* evhttp turns reading and writing off and on for each request; collected until the loop polls, that is half the system calls. */
	setenv("EVENT_EPOLL_USE_CHANGELIST", "1", 1);
	role_init(&front.role, "http");
	front.role.stop = on_stop;
	front.role.arg = &front;
	start_app(&front);
	start_server(&front);
	role_ready(&front.role);
	status = role_run(&front.role);
	stop_app(&front.app);
	role_done(&front.role);
	return status;
}
