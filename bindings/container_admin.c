/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Each request with orders is a batch, which lives until its last order has ended, whether or not anybody still listens.
 */
#include "container_admin.h"

#include "common/orders.h"
#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct batch {
	struct batch *next, **at;
	struct container_admin *admin;
	struct container_exchange *exchange; /* NULL: gone */
	bool streams;                        /* lines; else sm-go's single answer */
	size_t unended;
	struct container_orders orders;
};

struct container_admin {
	struct container_http *http;
	const struct container_orders_target *target;
	const struct container_admin_handler *handler;
	void *arg;
	struct batch *batches;
};

static void answer_error(struct container_exchange *exchange, int status, const char *error)
{
	char *json = container_orders_print_error(error);

	container_exchange_answer(exchange, status, json ? json : "{\"error\":\"out of memory\"}");
	free(json);
}

static void answer_closed(struct container_exchange *exchange, int status, const char *state)
{
	struct why why;

	why_set(&why, 0, "the container has no session now, it is %s: ask again later", state);
	answer_error(exchange, status, why.text);
}

static void batch_free(struct batch *batch)
{
	*batch->at = batch->next;
	if (batch->next)
		batch->next->at = batch->at;
	container_orders_done(&batch->orders);
	free(batch);
}

/* ---- ended orders ---- */

static void answer_line(
        struct batch *batch, const struct container_order *order, int code, const char *error, uint64_t token)
{
	char *line = container_orders_print(order, code, error, token);

	/* Without memory the asker misses this line, and the claims tell it. */
	if (line)
		container_exchange_line(batch->exchange, line, strlen(line));
	free(line);
}

static void answer_one(struct batch *batch, int code, const char *error)
{
	if (code == 0)
		container_exchange_answer(batch->exchange, 200, "{}");
	else
		answer_error(batch->exchange, 500, error[0] ? error : sm_error_text(code));
}

static void release(struct batch *batch)
{
	if (--batch->unended > 0)
		return;
	if (batch->exchange && batch->streams)
		container_exchange_end(batch->exchange);
	batch_free(batch);
}

void container_admin_ended(
        struct container_admin *admin, struct container_order *order, int code, const char *error, uint64_t token)
{
	struct batch *batch = order->batch;

	(void)admin;
	if (batch->exchange && batch->streams)
		answer_line(batch, order, code, error, token);
	else if (batch->exchange)
		answer_one(batch, code, error);
	release(batch);
}

/* ---- requests ---- */

static void start(struct container_admin *admin, struct container_exchange *exchange, bool streams,
        const struct container_orders *orders)
{
	struct batch *batch = calloc(1, sizeof *batch);

	if (!batch) {
		struct container_orders unused = *orders;
		container_orders_done(&unused);
		answer_error(exchange, 500, sm_error_text(SM_ENOMEM));
		return;
	}
	*batch = (struct batch){ .next = admin->batches,
		.at = &admin->batches,
		.admin = admin,
		.exchange = exchange,
		.streams = streams,
		.unended = orders->count + 1, /* one for this function */
		.orders = *orders };
	if (batch->next)
		batch->next->at = &batch->next;
	admin->batches = batch;
	container_exchange_set_user(exchange, batch);
	if (streams)
		container_exchange_begin(exchange);
	for (size_t i = 0; i < batch->orders.count; i++) {
		struct container_order *order = &batch->orders.list[i];
		order->batch = batch;
		if (order->code != 0)
			container_admin_ended(admin, order, order->code, order->why ? order->why : "", 0);
		else
			admin->handler->order(admin->arg, order);
	}
	release(batch);
}

static void on_shards(
        struct container_admin *admin, struct container_exchange *exchange, const char *body, size_t bytes)
{
	struct container_orders orders;
	struct why why = { "" };
	const char *closed;
	int error = container_orders_parse(admin->target, body, bytes, &orders, &why);

	if (error) {
		answer_error(exchange, error == SM_EINVAL ? 400 : 500, why.text[0] ? why.text : sm_error_text(error));
		return;
	}
	if (!admin->handler->open(admin->arg, &closed)) {
		container_orders_done(&orders);
		answer_closed(exchange, 503, closed);
		return;
	}
	start(admin, exchange, true, &orders);
}

static void on_one(
        struct container_admin *admin, struct container_exchange *exchange, bool add, const char *body, size_t bytes)
{
	struct container_orders orders;
	struct why why = { "" };
	const char *closed;
	int error = container_orders_parse_one(admin->target, add, body, bytes, &orders, &why);

	if (error) {
		answer_error(exchange, error == SM_EINVAL ? 400 : 500, why.text[0] ? why.text : sm_error_text(error));
		return;
	}
	if (!admin->handler->open(admin->arg, &closed)) {
		container_orders_done(&orders);
		answer_closed(exchange, 500, closed);
		return;
	}
	start(admin, exchange, false, &orders);
}

static void on_add(struct container_admin *admin, struct container_exchange *exchange, const char *body, size_t bytes)
{
	on_one(admin, exchange, true, body, bytes);
}

static void on_drop(struct container_admin *admin, struct container_exchange *exchange, const char *body, size_t bytes)
{
	on_one(admin, exchange, false, body, bytes);
}

static void on_health(
        struct container_admin *admin, struct container_exchange *exchange, const char *body, size_t bytes)
{
	char json[2 * KEYS_ID_BYTES + 200];
	size_t shards;
	const char *state = admin->handler->health(admin->arg, &shards);

	(void)body;
	(void)bytes;
	/* Ids have no character that JSON would quote. */
	snprintf(json, sizeof json,
	        "{\"msg\":\"success\",\"service\":\"%s\",\"id\":\"%s\",\"state\":\"%s\",\"shards\":%zu}",
	        admin->target->service, admin->target->id, state, shards);
	container_exchange_answer(exchange, 200, json);
}

static const struct {
	const char *method, *path;
	void (*serve)(
	        struct container_admin *admin, struct container_exchange *exchange, const char *body, size_t bytes);
} routes[] = {
	{ "POST", ORDERS_PATH, on_shards },
	{ "POST", "/sm/admin/add-shard", on_add },
	{ "POST", "/sm/admin/drop-shard", on_drop },
	{ "GET", "/sm/admin/health", on_health },
};

static void on_request(void *arg, struct container_exchange *exchange, const struct container_request *request,
        const char *body, size_t bytes)
{
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (strcmp(request->path, routes[i].path) != 0)
			continue;
		if (strcmp(request->method, routes[i].method) == 0)
			routes[i].serve(arg, exchange, body, bytes);
		else
			answer_error(exchange, 405, strcmp(routes[i].method, "GET") == 0 ? "use GET" : "use POST");
		return;
	}
	answer_error(exchange, 404, "no such path; there are /sm/admin/shards, add-shard, drop-shard and health");
}

static void on_gone(void *arg, void *user)
{
	struct batch *batch = user;

	(void)arg;
	if (batch)
		batch->exchange = NULL;
}

int container_admin_new(struct event_base *base, int fd, const struct container_orders_target *target,
        const struct container_admin_handler *handler, void *arg, struct container_admin **ret_admin)
{
	static const struct container_http_handler http_handler = { .request = on_request, .gone = on_gone };
	struct container_admin *admin = calloc(1, sizeof *admin);

	if (!admin) {
		close(fd);
		return SM_ENOMEM;
	}
	admin->target = target;
	admin->handler = handler;
	admin->arg = arg;
	int error = container_http_new(base, fd, ORDERS_BYTES, &http_handler, admin, &admin->http);
	if (error) {
		free(admin);
		return error;
	}
	*ret_admin = admin;
	return 0;
}

void container_admin_free(struct container_admin *admin)
{
	if (!admin)
		return;
	container_http_free(admin->http);
	while (admin->batches)
		batch_free(admin->batches);
	free(admin);
}
