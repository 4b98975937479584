/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Requests under way, each in the list of its service.
 */
#include "balancer_dispatch.h"

#include "balancer_batch.h"
#include "balancer_memory.h"
#include "common/clocks.h"
#include "common/log.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LOGGED 5u /* failed orders of one request that are logged one by one */
#define TAKE 16u  /* orders at a time, so that DISPATCH_BYTES is not passed by much */

struct sent {
	TAILQ_ENTRY(sent) entry;
	struct balancer_dispatch *dispatch;
	struct balancer_request *request;
	struct balancer_batch batch;
	char *container;
	int64_t incarnation;
	uint32_t failed; /* orders */
	bool taken;
};

struct balancer_dispatch {
	struct balancer_service *service;
	struct balancer_orders *orders;
	void (*wake)(void *arg);
	void *arg;
	uint32_t first; /* container of the next flush: what the service may have under way is for all of them */
	TAILQ_HEAD(sent_list, sent) sent; /* oldest first */
};

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

/* NONE when that incarnation of the container is no more. */
static uint32_t container_of(const struct sent *sent)
{
	const struct balancer_containers *containers = &sent->dispatch->service->containers;
	uint32_t index = balancer_containers_find(containers, sent->container);

	if (index != BALANCER_CONTAINERS_NONE && containers->items[index].incarnation != sent->incarnation)
		return BALANCER_CONTAINERS_NONE;
	return index;
}

static void count_out(struct sent *sent, uint32_t container)
{
	struct balancer_container *item = &sent->dispatch->service->containers.items[container];

	item->requests--;
	if (!sent->taken)
		item->untaken--;
}

static void sent_free(struct sent *sent)
{
	TAILQ_REMOVE(&sent->dispatch->sent, sent, entry);
	balancer_batch_done(&sent->batch);
	free(sent->container);
	free(sent);
}

/* Every order of it that has not ended: code 0 means without an answer. */
static void end_orders(struct sent *sent, int code)
{
	struct balancer_service *service = sent->dispatch->service;

	for (uint32_t i = 0; i < sent->batch.count; i++) {
		const struct balancer_batch_order *order = &sent->batch.orders[i];
		uint32_t shard;

		if (order->ended)
			continue;
		shard = balancer_shards_find(&service->shards, order->id, order->replica);
		if (shard == BALANCER_SHARDS_NONE)
			continue;
		if (code)
			executor_answered(service->executor, shard, order->sequence, code, now_ms());
		else
			executor_unanswered(service->executor, shard, order->sequence, now_ms());
	}
}

static void reached(struct balancer_service *service, uint32_t container)
{
	if (!executor_reached(service->executor, container, now_ms()))
		return;
	service->plan_stale = true;
	log_info("service %s: container %s takes orders again", service->name, service->containers.items[container].id);
}

/* Tells people once, and once more when it is closed. */
static void unreachable(struct balancer_service *service, uint32_t container, bool refused, const char *why)
{
	bool first = !executor_failing(service->executor, container);
	bool closed = executor_unreachable(service->executor, container, refused, now_ms());

	if (first || closed)
		log_warning("service %s: orders to container %s: %s%s", service->name,
		        service->containers.items[container].id, why,
		        closed ? "; it gets nothing new until it takes orders again" : "");
	service->plan_stale |= closed;
}

static void on_taken(void *arg)
{
	struct sent *sent = arg;
	uint32_t container = container_of(sent);

	sent->taken = true;
	if (container == BALANCER_CONTAINERS_NONE)
		return;
	sent->dispatch->service->containers.items[container].untaken--;
	sent->dispatch->wake(sent->dispatch->arg);
}

static void log_failed(struct sent *sent, const struct balancer_line *line)
{
	if (sent->failed++ < LOGGED)
		log_warning("service %s: %s of shard %s at %s failed (code %d): %s", sent->dispatch->service->name,
		        line->op == EXECUTOR_ADD ? "add" : "drop", line->id, sent->container, line->code, line->error);
}

static bool on_line(void *arg, const struct balancer_line *line)
{
	struct sent *sent = arg;
	struct balancer_service *service = sent->dispatch->service;
	const struct balancer_batch_order *order = balancer_batch_end(&sent->batch, line);
	uint32_t shard = balancer_shards_find(&service->shards, line->id, line->replica),
	         container = container_of(sent);

	if (container != BALANCER_CONTAINERS_NONE)
		reached(service, container);
	if (!order || shard == BALANCER_SHARDS_NONE)
		return order != NULL;
	if (executor_answered(service->executor, shard, order->sequence, line->code, now_ms()) && line->code != 0)
		log_failed(sent, line);
	sent->dispatch->wake(sent->dispatch->arg);
	return true;
}

static void on_ended(void *arg, enum balancer_orders_end end, const char *why)
{
	struct sent *sent = arg;
	struct balancer_service *service = sent->dispatch->service;
	uint32_t container = container_of(sent);

	if (container != BALANCER_CONTAINERS_NONE) {
		count_out(sent, container);
		if (end == BALANCER_ORDERS_WHOLE)
			reached(service, container);
		else
			unreachable(service, container, end == BALANCER_ORDERS_REFUSED, why);
	}
	if (sent->failed > LOGGED)
		log_warning("service %s: %u more orders to container %s failed", service->name, sent->failed - LOGGED,
		        sent->container);
	/* an answer that leaves orders out is as good as none, but must not be asked again at once */
	end_orders(sent, end == BALANCER_ORDERS_WHOLE ? SM_EPROTO : 0);
	sent->dispatch->wake(sent->dispatch->arg);
	sent_free(sent);
}

static const struct balancer_orders_handler handler = { .taken = on_taken, .line = on_line, .ended = on_ended };

struct balancer_dispatch *balancer_dispatch_new(
        struct balancer_service *service, struct balancer_orders *orders, void (*wake)(void *arg), void *arg)
{
	struct balancer_dispatch *dispatch = balancer_memory_zeroed(1, sizeof(*dispatch));

	*dispatch = (struct balancer_dispatch){ .service = service, .orders = orders, .wake = wake, .arg = arg };
	TAILQ_INIT(&dispatch->sent);
	return dispatch;
}

static void cancel(struct sent *sent)
{
	balancer_orders_cancel(sent->request);
	sent_free(sent);
}

void balancer_dispatch_free(struct balancer_dispatch *dispatch)
{
	if (!dispatch)
		return;
	while (!TAILQ_EMPTY(&dispatch->sent))
		cancel(TAILQ_FIRST(&dispatch->sent));
	free(dispatch);
}

void balancer_dispatch_prune(struct balancer_dispatch *dispatch)
{
	struct sent *sent, *next;

	for (sent = TAILQ_FIRST(&dispatch->sent); sent; sent = next) {
		next = TAILQ_NEXT(sent, entry);
		if (container_of(sent) == BALANCER_CONTAINERS_NONE)
			cancel(sent);
	}
}

static void end_oldest(struct balancer_dispatch *dispatch, uint32_t container)
{
	struct sent *sent;

	TAILQ_FOREACH(sent, &dispatch->sent, entry) {
		if (container_of(sent) != container)
			continue;
		count_out(sent, container);
		end_orders(sent, SM_ETIMEDOUT);
		cancel(sent);
		return;
	}
}

static void fill(struct balancer_dispatch *dispatch, const struct view *view, uint32_t container, uint64_t now,
        struct balancer_batch *batch)
{
	struct balancer_service *service = dispatch->service;
	struct executor_order orders[TAKE];
	uint32_t taken;

	do {
		taken = executor_take(service->executor, container, now, TAKE, orders);
		for (uint32_t i = 0; i < taken; i++)
			balancer_batch_add(batch, view, &service->shards.items[orders[i].shard], &orders[i]);
	} while (taken == TAKE && batch->count < DISPATCH_ORDERS && batch->body_bytes < DISPATCH_BYTES);
}

static void send_batch(struct balancer_dispatch *dispatch, uint32_t container, struct balancer_batch *batch)
{
	struct balancer_container *item = &dispatch->service->containers.items[container];
	struct sent *sent = balancer_memory_zeroed(1, sizeof(*sent));
	char *body = balancer_batch_seal(batch);

	*sent = (struct sent){ .dispatch = dispatch,
		.batch = *batch,
		.container = balancer_memory_text(item->id),
		.incarnation = item->incarnation };
	sent->request = balancer_orders_post(dispatch->orders, item->id, body, &handler, sent);
	if (!sent->request)
		fatalx("out of memory for a request to container %s", item->id);
	TAILQ_INSERT_TAIL(&dispatch->sent, sent, entry);
	item->requests++;
	item->untaken++;
}

/* False: nothing more for this container now. */
static bool send_next(struct balancer_dispatch *dispatch, const struct view *view, uint32_t container, uint64_t now)
{
	struct balancer_service *service = dispatch->service;
	struct balancer_container *item = &service->containers.items[container];
	struct balancer_batch batch;
	bool probe;

	if (item->untaken >= DISPATCH_UNTAKEN)
		return false;
	probe = executor_probe(service->executor, container, now) && item->untaken == 0;
	balancer_batch_init(&batch, service->name);
	fill(dispatch, view, container, now, &batch);
	if (batch.count == 0 && !probe) {
		balancer_batch_done(&batch);
		return false;
	}
	if (item->requests >= DISPATCH_REQUESTS)
		end_oldest(dispatch, container);
	send_batch(dispatch, container, &batch);
	return !probe;
}

void balancer_dispatch_flush(struct balancer_dispatch *dispatch, const struct view *view, uint64_t now)
{
	uint32_t count = dispatch->service->containers.count;

	dispatch->first++;
	for (uint32_t i = 0; i < count; i++) {
		while (send_next(dispatch, view, (dispatch->first + i) % count, now))
			;
	}
}
