/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two liars that say the same, and a client that asks them.
 */
#include "etcd_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct late {
	struct script *script;
	struct bufferevent *to;
};

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct late *late = arg;

	(void)fd;
	(void)what;
	liar_say(late->to, late->script->text, late->script->bytes, late->script->then);
	free(late);
}

/* The connection must live until then. */
static void say_later(struct liar *liar, struct script *script, struct bufferevent *to)
{
	const struct timeval delay = { .tv_usec = script->delay_ms * 1000 };
	struct late *late = malloc(sizeof(*late));

	*late = (struct late){ script, to };
	event_base_once(liar->base, -1, EV_TIMEOUT, on_late, late, &delay);
}

static void on_request(struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body)
{
	struct script *script = liar->arg;
	bool honest = ++script->requests >= script->honest_from && script->honest_from;

	(void)path;
	(void)head;
	(void)body;
	if (honest)
		liar_say(to, script->text, strlen(script->text), LIAR_KEEP);
	else if (script->delay_ms)
		say_later(liar, script, to);
	else if (!script->silent)
		liar_say(to, script->text, script->bytes, script->then);
}

static int set_up(void **state, unsigned timeout_ms)
{
	struct script_world *world = calloc(1, sizeof(*world));
	const char *endpoints[] = { NULL, NULL, NULL };
	struct etcd_config config = { .timeout_ms = timeout_ms };
	struct event_base *base = event_base_new();

	for (int i = 0; i < 2; i++) {
		world->liars[i] = liar_new(base, on_request, &world->script);
		endpoints[i] = world->liars[i]->endpoint;
	}
	world->ask = ask_new(base, endpoints, &config);
	*state = world;
	return 0;
}

int script_set_up(void **state)
{
	return set_up(state, 5000);
}

int script_set_up_impatient(void **state)
{
	return set_up(state, 300);
}

int script_tear_down(void **state)
{
	struct script_world *world = *state;

	liar_free(world->liars[0]);
	liar_free(world->liars[1]);
	ask_free(world->ask);
	free(world);
	return 0;
}

void script_say(struct script_world *world, int status, const char *body)
{
	int bytes = snprintf(world->script.text, sizeof(world->script.text),
	        "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
	        strlen(body), body);

	world->script.bytes = (size_t)bytes;
	world->script.then = LIAR_KEEP;
	world->script.requests = 0;
	world->script.honest_from = 0;
	world->script.silent = false;
	world->script.delay_ms = 0;
}

void script_say_chunked(struct script_world *world, const char *body)
{
	script_say(world, 200, "");
	world->script.bytes = (size_t)snprintf(world->script.text, sizeof(world->script.text),
	        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
	        "chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
	        strlen(body), body);
}
