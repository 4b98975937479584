/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two liars with watch streams, and a client that watches them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etcd_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct late {
	struct stream_script *script;
	struct bufferevent *to;
};

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct late *late = arg;

	(void)fd;
	(void)what;
	liar_say(late->to, STREAM_HEAD, strlen(STREAM_HEAD), LIAR_KEEP);
	liar_say(late->to, late->script->text, strlen(late->script->text), LIAR_KEEP);
	free(late);
}

/* The connection must live until then. */
static void say_later(struct stream_script *script, struct bufferevent *to)
{
	const struct timeval delay = { .tv_usec = script->delay_ms * 1000 };
	struct late *late = malloc(sizeof(*late));

	*late = (struct late){ script, to };
	event_base_once(bufferevent_get_base(to), -1, EV_TIMEOUT, on_late, late, &delay);
}

static void start_stream(struct stream_script *script, struct bufferevent *to, const char *head, const char *body)
{
	const char *start = strstr(body, "\"start_revision\":\"");
	char text[sizeof(script->text) + sizeof(STREAM_HEAD)];
	size_t bytes;

	script->streams++;
	script->start_revision = start ? atoll(start + strlen("\"start_revision\":\"")) : 0;
	script->has_leader_header = strcasestr(head, "\r\nGrpc-Metadata-hasleader: true\r\n");
	script->closes = strcasestr(head, "\r\nConnection: close\r\n");
	if (script->refusal) {
		liar_answer(to, script->status, script->refusal);
		return;
	}
	bytes = (size_t)snprintf(text, sizeof(text), "%s%s", STREAM_HEAD, script->text);
	if (script->cuts && *script->cuts == 0) {
		liar_say(to, text, bytes, LIAR_KEEP);
		return;
	}
	if (script->cuts)
		--*script->cuts;
	if (script->delay_ms) {
		say_later(script, to);
		return;
	}
	liar_say(to, text, bytes < script->bytes ? bytes : script->bytes, script->close ? LIAR_CLOSE : LIAR_KEEP);
}

static void on_request(struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body)
{
	struct stream_script *script = liar->arg;
	const char *line = strrchr(body, '{');

	if (strcmp(path, "/v3/auth/authenticate") == 0) {
		script->tokens++;
		liar_answer(to, 200, "{\"token\":\"secret\"}");
		return;
	}
	assert_string_equal(path, "/v3/watch");
	if (line && strstr(body, "progress_request") && body[strlen(body) - 1] == '\n') {
		script->questions++;
		if (script->progress)
			liar_chunk(to, PROGRESS);
	} else {
		start_stream(script, to, head, body);
	}
}

int stream_set_up(void **state, const struct etcd_config *config)
{
	struct stream_world *world = calloc(1, sizeof(*world));
	const char *endpoints[] = { NULL, NULL, NULL };
	struct event_base *base = event_base_new();

	for (int i = 0; i < 2; i++) {
		world->liars[i] = liar_new(base, on_request, &world->scripts[i]);
		world->scripts[i].bytes = SIZE_MAX;
		endpoints[i] = world->liars[i]->endpoint;
	}
	world->ask = ask_new(base, endpoints, config);
	*state = world;
	return 0;
}

int stream_tear_down(void **state)
{
	struct stream_world *world = *state;

	liar_free(world->liars[0]);
	liar_free(world->liars[1]);
	ask_free(world->ask);
	free(world);
	return 0;
}

void stream_chunk(struct stream_script *script, const char *text)
{
	size_t used = strlen(script->text);

	assert_true((size_t)snprintf(script->text + used, sizeof(script->text) - used, "%zx\r\n%s\r\n", strlen(text),
	                    text) < sizeof(script->text) - used);
}

struct etcd_watch *stream_open_watch(struct stream_world *world, int64_t start, struct ask_watch *seen)
{
	struct etcd_watch *watch = etcd_watch_open(world->ask->etcd, "/", start, &ask_watch_handler, seen);

	assert_non_null(watch);
	return watch;
}
