/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "balancer_world.h"

#include "common/clocks.h"

#include <event2/buffer.h>
#include <jansson.h>

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

static void set_timer(struct world *world, uint64_t ms)
{
	struct timeval timeout = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(world->timer, &timeout);
}

static void wake(void *arg)
{
	set_timer(arg, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct world *world = arg;

	(void)fd;
	(void)what;
	set_timer(world, balancer_turn_take(world->turn));
}

void world_begin(struct world *world)
{
	view_writer_begin(world->fixture->writer);
	world->revision++;
}

void world_publish(struct world *world)
{
	view_writer_publish(world->fixture->writer, (uint64_t)world->revision);
	view_writer_synced(world->fixture->writer, now_ms());
	wake(world);
}

void world_shards(struct world *world, const char *service, uint32_t first, uint32_t count)
{
	world_begin(world);
	for (uint32_t i = first; i < first + count; i++) {
		char id[32];

		snprintf(id, sizeof(id), "s%u", i);
		view_help_shard(world->fixture->writer, service, id, "task", world->revision);
	}
	world_publish(world);
}

static struct view_shard find(const struct world *world, const char *service, const char *id)
{
	const struct view *view = view_writer_view(world->fixture->writer);
	uint32_t row = view_shard_find(view, view_service_find(view, service), id, 0);
	struct view_shard shard = { 0 };

	if (row != VIEW_NONE)
		view_shard_get(view, row, &shard);
	return shard;
}

static const char *holder(const struct world *world, const struct view_shard *shard)
{
	const struct view *view = view_writer_view(world->fixture->writer);
	struct view_container container;

	if (shard->claim_container == 0)
		return NULL;
	view_container_get(view, view_container_by_number(view, shard->claim_container), &container);
	return container.id;
}

static void add(struct world_container *container, const char *id)
{
	struct view_shard shard = find(container->world, container->service, id);
	const char *has = holder(container->world, &shard);
	struct view_claim claim = { .container = container->id,
		.incarnation = container->incarnation,
		.mod_revision = ++container->world->revision,
		.token_revision = (uint64_t)container->world->revision,
		.belief_ms = 4850,
		.ready = true };

	if (has && strcmp(has, container->id) != 0)
		container->world->wrong_adds++;
	else
		view_writer_claim_put(container->world->fixture->writer, container->service, id, 0, &claim);
}

static void drop(struct world_container *container, const char *id)
{
	struct view_shard shard = find(container->world, container->service, id);
	const char *has = holder(container->world, &shard);

	if (has && strcmp(has, container->id) == 0)
		view_writer_claim_remove(
		        container->world->fixture->writer, container->service, id, 0, ++container->world->revision);
}

/* False: it hangs. */
static bool carry_out(struct world_container *container, json_t *order, struct evbuffer *out)
{
	const char *op = json_string_value(json_object_get(order, "op")),
	           *id = json_string_value(json_object_get(order, "id"));
	bool is_add = strcmp(op, "add") == 0, fails = is_add && container->fail_adds;

	*(is_add ? &container->adds : &container->drops) += 1;
	if (is_add && container->hangs && strcmp(container->hangs, id) == 0)
		return false;
	if (fails)
		container->fail_adds--;
	else if (is_add)
		add(container, id);
	else
		drop(container, id);
	if (is_add)
		assert_string_equal(json_string_value(json_object_get(json_object_get(order, "spec"), "task")), "task");
	evbuffer_add_printf(out, "{\"op\":\"%s\",\"id\":\"%s\",\"replica\":0,\"code\":%d,\"error\":\"%s\"}\n", op, id,
	        fails ? -100 : 0, fails ? "no" : "");
	return true;
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct world_container *container = arg;
	struct evbuffer *in = evhttp_request_get_input_buffer(request), *out;
	size_t bytes = evbuffer_get_length(in), i;
	json_t *body, *order;
	bool whole = true;

	container->requests++;
	if (container->refuses)
		return evhttp_send_reply(request, 503, "No Session", NULL);
	body = json_loadb((const char *)evbuffer_pullup(in, -1), bytes, 0, NULL);
	assert_non_null(body);
	assert_string_equal(json_string_value(json_object_get(body, "service")), container->service);
	container->probes += json_array_size(json_object_get(body, "orders")) == 0;
	out = evbuffer_new();
	evhttp_send_reply_start(request, 200, "OK");
	view_writer_begin(container->world->fixture->writer);
	json_array_foreach(json_object_get(body, "orders"), i, order)
		whole &= carry_out(container, order, out);
	world_publish(container->world);
	json_decref(body);
	if (container->breaks)
		evbuffer_add_printf(out, "{\"op\":\"add\",\"id");
	if (container->babbles)
		evbuffer_add_printf(out, "[\"hello\"]\n");
	evhttp_send_reply_chunk(request, out);
	evbuffer_free(out);
	if (whole)
		return evhttp_send_reply_end(request);
	assert_in_range(container->open_count, 0, WORLD_OPEN - 1);
	container->open[container->open_count++] = request;
}

static void put_session(struct world *world, struct world_container *container)
{
	struct view_session session = {
		.incarnation = container->incarnation, .lease = 9, .ours = true, .heartbeat = "{}"
	};

	assert_int_equal(view_writer_container_put(
	                         world->fixture->writer, container->service, container->id, &session, world->revision),
	        0);
}

void world_join(struct world *world, uint32_t number, const char *service)
{
	struct world_container *container = &world->containers[number];

	container->world = world;
	snprintf(container->service, sizeof(container->service), "%s", service);
	if (!container->http) {
		struct sockaddr_in address;
		socklen_t bytes = sizeof(address);

		container->http = evhttp_new(world->base);
		container->socket = evhttp_bind_socket_with_handle(container->http, "127.0.0.1", 0);
		getsockname(evhttp_bound_socket_get_fd(container->socket), (struct sockaddr *)&address, &bytes);
		snprintf(container->id, sizeof(container->id), "127.0.0.1:%d", ntohs(address.sin_port));
		evhttp_set_gencb(container->http, on_request, container);
	}
	world_begin(world);
	container->incarnation = world->revision;
	put_session(world, container);
	world_publish(world);
}

void world_leave(struct world *world, uint32_t number)
{
	struct world_container *container = &world->containers[number];

	world_begin(world);
	container->incarnation = 0;
	view_writer_container_gone(
	        world->fixture->writer, container->service, container->id, clocks_now().boot_ns, world->revision);
	world_publish(world);
}

void world_close(struct world *world, uint32_t number)
{
	struct world_container *container = &world->containers[number];

	evhttp_free(container->http);
	container->http = NULL;
}

void world_free_claims(struct world *world, const char *service, const char *container)
{
	const struct view *view = view_writer_view(world->fixture->writer);
	char ids[512][32];
	uint32_t count = 0;

	for (uint32_t row = view_shard_first(view, view_service_find(view, service)); row != VIEW_NONE;
	        row = view_shard_next(view, row)) {
		struct view_shard shard;
		const char *has;

		view_shard_get(view, row, &shard);
		has = holder(world, &shard);
		if (has && strcmp(has, container) == 0)
			snprintf(ids[count++], sizeof(ids[0]), "%s", shard.id);
	}
	world_begin(world);
	for (uint32_t i = 0; i < count; i++)
		view_writer_claim_remove(world->fixture->writer, service, ids[i], 0, world->revision);
	world_publish(world);
}

uint32_t world_held(const struct world *world, const char *service, const char *container)
{
	const struct view *view = view_writer_view(world->fixture->writer);
	uint32_t count = 0;

	for (uint32_t row = view_shard_first(view, view_service_find(view, service)); row != VIEW_NONE;
	        row = view_shard_next(view, row)) {
		struct view_shard shard;
		const char *has;

		view_shard_get(view, row, &shard);
		has = holder(world, &shard);
		count += has && (!container || strcmp(has, container) == 0);
	}
	return count;
}

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct view_service_spec spec = { .spec = "{}", .spec_revision = 1 };

	if (view_help_setup((void **)&world->fixture) != 0)
		return -1;
	view_help_start(world->fixture, 100);
	world->base = event_base_new();
	world->timer = evtimer_new(world->base, on_timer, world);
	world_begin(world);
	view_writer_service_put(world->fixture->writer, "S", &spec);
	world_publish(world);
	if (view_open(world->fixture->dir, &world->view) != 0 ||
	        balancer_turn_new(world->base, world->view, WORLD_TIMEOUT_MS, wake, world, &world->turn) != 0)
		return -1;
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;
	void *fixture = world->fixture;

	balancer_turn_free(world->turn);
	view_close(world->view);
	for (uint32_t i = 0; i < WORLD_CONTAINERS; i++) {
		struct world_container *container = &world->containers[i];

		/* a request whose connection has gone is freed by its end, not before */
		while (container->open_count)
			evhttp_send_reply_end(container->open[--container->open_count]);
		if (container->http)
			evhttp_free(container->http);
	}
	event_free(world->timer);
	event_base_free(world->base);
	free(world);
	return view_help_teardown(&fixture);
}

void world_run(struct world *world, bool (*done)(struct world *world))
{
	uint64_t end = now_ms() + 60000;

	while (!done(world)) {
		assert_in_range(now_ms(), 0, end);
		event_base_loop(world->base, EVLOOP_ONCE);
	}
	assert_int_equal(world->wrong_adds, 0);
}

void world_rest(struct world *world, int ms)
{
	uint64_t end = now_ms() + (uint64_t)ms;

	while (now_ms() < end)
		event_base_loop(world->base, EVLOOP_ONCE);
	assert_int_equal(world->wrong_adds, 0);
}
