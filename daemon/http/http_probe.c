/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_probe.h"

#include "http_reply.h"
#include "shardmgr.h"

void http_probe_live(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	(void)app;
	(void)route;
	http_reply_text(request, 200, "ok\n");
}

static int check_ready(struct http_app *app, struct why *why)
{
	const struct view *view = http_view_refresh(app->view, why);
	int64_t age_ms;

	if (view == NULL)
		return SM_EUNAVAILABLE;
	if (!http_command_connected(app->command))
		return why_set(why, SM_EUNAVAILABLE, "no link to sync: it is starting again, see its log");
	age_ms = http_view_age_ms(view);
	if (age_ms < 0)
		return why_set(why, SM_EUNAVAILABLE, "the view was never in step with etcd: sync is still connecting");
	if (age_ms > HTTP_PROBE_AGE_MS)
		return why_set(why, SM_EUNAVAILABLE,
		        "the view was in step with etcd %lld ms ago, more than %d: sync cannot reach etcd",
		        (long long)age_ms, HTTP_PROBE_AGE_MS);
	return 0;
}

void http_probe_ready(struct http_app *app, struct http_request *request, const struct http_route *route)
{
	struct why why = { "" };

	(void)route;
	if (check_ready(app, &why) == 0)
		http_reply_text(request, 200, "ok\n");
	else
		http_reply_text(request, 503, why.text);
}
