/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_metrics.h"

#include "common/clocks.h"
#include "http_read.h"
#include "http_reply.h"
#include "view_reader.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_TTL_S 5 /* libshardmgr's default */

static const int statuses[] = { 200, 204, 400, 403, 404, 405, 500, 503 };
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

struct http_metrics {
	const struct http_route *routes;
	unsigned count;
	uint64_t replies[][STATUSES];
};

struct http_metrics *http_metrics_new(const struct http_route *routes, unsigned count)
{
	struct http_metrics *metrics = calloc(1, sizeof(*metrics) + (count + 1) * sizeof(metrics->replies[0]));

	if (metrics != NULL) {
		metrics->routes = routes;
		metrics->count = count;
	}
	return metrics;
}

void http_metrics_free(struct http_metrics *metrics)
{
	free(metrics);
}

void http_metrics_count(struct http_metrics *metrics, unsigned tag, int status)
{
	for (size_t i = 0; i < STATUSES; i++)
		if (statuses[i] == status)
			metrics->replies[tag][i]++;
}

static void put_head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP shardmgr_%s %s\n# TYPE shardmgr_%s %s\n", name, help, name, type);
}

static void put_number(struct evbuffer *out, const char *name, const char *type, const char *help, double value)
{
	put_head(out, name, type, help);
	evbuffer_add_printf(out, "shardmgr_%s %.15g\n", name, value);
}

static void put_replies(struct evbuffer *out, const struct http_metrics *metrics)
{
	put_head(out, "http_requests_total", "counter", "Requests answered, by route and status.");
	for (unsigned tag = 0; tag <= metrics->count; tag++)
		for (size_t i = 0; i < STATUSES; i++)
			if (metrics->replies[tag][i] != 0)
				evbuffer_add_printf(out,
				        "shardmgr_http_requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
				        tag == metrics->count ? "none" : metrics->routes[tag].path, statuses[i],
				        metrics->replies[tag][i]);
}

static void put_front(struct evbuffer *out, struct http_app *app)
{
	struct http_server_counts counts = http_server_counts(app->server);
	uint64_t lock_delay_ms = clocks_lock_delay_ms(clocks_belief_ms(SESSION_TTL_S));

	put_head(out, "build_info", "gauge", "The version that runs.");
	evbuffer_add_printf(out, "shardmgr_build_info{version=\"%s\"} 1\n", SM_VERSION);
	put_number(out, "lock_delay_seconds", "gauge",
	        "How long the shards of a container that vanished wait, for the default TTL of 5 s.",
	        (double)lock_delay_ms / 1000);
	put_replies(out, app->metrics);
	put_number(out, "http_connections", "gauge", "Open HTTP connections.", counts.connections);
	put_number(out, "http_connections_refused_total", "counter", "Connections refused because of maxConnections.",
	        (double)counts.refused);
	put_number(out, "http_requests_overdue_total", "counter", "Requests that took longer than requestTimeoutMs.",
	        (double)counts.overdue);
	put_number(out, "sync_link_up", "gauge", "1 while changes can be handed to sync.",
	        http_command_connected(app->command));
}

static void put_view(struct evbuffer *out, const struct view *view)
{
	struct view_usage usage;

	view_usage_get(view, &usage);
	put_number(
	        out, "view_revision", "gauge", "The etcd revision that the view equals.", (double)view_revision(view));
	put_number(out, "view_age_seconds", "gauge",
	        "Since sync last heard from etcd that the view is in step; -1 never.",
	        (double)http_view_age_ms(view) / (http_view_age_ms(view) < 0 ? 1 : 1000));
	put_number(out, "view_segment_number", "gauge", "Number of the view's segment.", (double)usage.segment_number);
	put_number(out, "view_segment_bytes", "gauge", "Size of the view's segment.", (double)usage.segment_bytes);
	put_number(out, "view_used_bytes", "gauge", "Bytes of the segment in use.", (double)usage.bytes_used);
	put_number(out, "view_garbage_bytes", "gauge", "Bytes of the segment that compaction would free.",
	        (double)usage.bytes_garbage);
}

static void put_label(struct evbuffer *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			evbuffer_add(out, "\\n", 2);
		else if (*text == '"' || *text == '\\')
			evbuffer_add_printf(out, "\\%c", *text);
		else
			evbuffer_add(out, text, 1);
}

/* One value for each service. */
static void put_family(struct evbuffer *out, const char *name, const char *help, const char **services, size_t count,
        const uint64_t *values, size_t stride)
{
	put_head(out, name, "gauge", help);
	for (size_t i = 0; i < count; i++) {
		evbuffer_add_printf(out, "shardmgr_%s{service=\"", name);
		put_label(out, services[i]);
		evbuffer_add_printf(out, "\"} %" PRIu64 "\n", values[i * stride]);
	}
}

static void put_services(struct evbuffer *out, struct http_app *app, const struct view *view)
{
	size_t count;
	const char **services = http_rows_services(view, &count);
	struct http_rows_counts *counts = calloc(services == NULL ? 1 : count + 1, sizeof(*counts));
	const size_t stride = sizeof(*counts) / sizeof(uint64_t);

	if (services != NULL && counts != NULL) {
		for (size_t i = 0; i < count; i++)
			counts[i] = http_read_counts(app, view, view_service_find(view, services[i]), services[i]);
		put_number(out, "services", "gauge", "Governed services.", (double)count);
		put_family(out, "shards", "Configured shards.", services, count, &counts->shards, stride);
		put_family(out, "shards_serving", "Shards with an owner that serves.", services, count,
		        &counts->serving, stride);
		put_family(out, "shards_unassigned", "Shards that nobody has claimed.", services, count,
		        &counts->unassigned, stride);
		put_family(out, "claims", "Claims, ready or not.", services, count, &counts->claims, stride);
		put_family(out, "containers", "Containers alive.", services, count, &counts->containers, stride);
	}
	free(services);
	free(counts);
}

void http_metrics_reply(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	struct evbuffer *out = evbuffer_new();
	const struct view *view = http_view_refresh(app->view, NULL);

	(void)route;
	if (out == NULL) {
		http_reply_json(request, 500, NULL);
		return;
	}
	put_front(out, app);
	if (view != NULL) {
		put_view(out, view);
		put_services(out, app, view);
	}
	evbuffer_add(out, "", 1);
	http_reply_text(request, 200, (const char *)evbuffer_pullup(out, -1));
	evbuffer_free(out);
}
