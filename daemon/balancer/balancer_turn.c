/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The steps of a turn, service by service.
 */
#include "balancer_turn.h"

#include "balancer_dispatch.h"
#include "balancer_memory.h"
#include "balancer_plan.h"
#include "balancer_state.h"
#include "common/clocks.h"
#include "common/log.h"
#include "shardmgr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 1000u   /* looks at the view at least this often, whatever the bell says */
#define FRESH_MS 10000u /* a view that was not in step for this long is not acted upon: README.md */
#define STALE_LOOK_MS 200u
#define RENEW_PAUSE 3     /* reading and planning a service pauses this many times as long as it took */
#define HALF_READ_MS 500u /* a service that could not be read whole for this long is planned from what there is */

struct balancer_turn {
	struct view *view;
	struct balancer_state *state;
	struct balancer_orders *orders;
	void (*wake)(void *arg);
	void *arg;
	bool stale; /* so said the log last */
};

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

static bool is_fresh(struct balancer_turn *turn, uint64_t now)
{
	uint64_t synced_ms = view_synced_at_ms(turn->view);
	bool stale = synced_ms == 0 || (now > synced_ms && now - synced_ms > FRESH_MS);

	if (stale && !turn->stale)
		log_warning("the view is out of step with etcd: no plans, no orders");
	else if (!stale && turn->stale)
		log_info("the view is in step with etcd again");
	turn->stale = stale;
	return !stale;
}

static void plan(struct balancer_turn *turn, struct balancer_service *service, uint64_t now)
{
	struct balancer_plan_report report;
	char text[512];
	int rc = balancer_plan_make(service, turn->view, now, &report);

	if (rc < 0)
		fatalx("planning service %s: error %d", service->name, rc);
	service->plan_stale = false;
	balancer_plan_print(&report, text, sizeof(text));
	log_info("service %s: plan %016" PRIx64 " for %u shards on %u containers: %s", service->name, report.hash,
	        service->shards.count, service->containers.count, text);
}

static void log_moves(struct balancer_service *service)
{
	char text[512];

	if (service->moves.under_way)
		return;
	balancer_moves_print(&service->moves, &service->moves_logged, text, sizeof(text));
	if (text[0])
		log_info("service %s: all moves have arrived: %s", service->name, text);
	service->moves_logged = service->moves;
}

/* False: it cannot be planned from what was read. A service that changes all the time is planned all the same now and then. */
static bool read_service(struct balancer_turn *turn, struct balancer_service *service, uint64_t now)
{
	bool whole = balancer_state_read(turn->state, service, now);

	balancer_dispatch_prune(service->dispatch);
	if (whole)
		service->half_since_ms = 0;
	else if (!service->half_since_ms)
		service->half_since_ms = now;
	return whole || (!service->shards_stale && now - service->half_since_ms > HALF_READ_MS);
}

/* Reads and plans what is stale. When this has to be looked at again; UINT64_MAX: when something happens. */
static uint64_t renew(struct balancer_turn *turn, struct balancer_service *service, bool fresh)
{
	uint64_t began = now_ms(), ended;

	if (!service->config_stale && !service->plan_stale)
		return UINT64_MAX;
	if (began < service->renew_after_ms)
		return service->renew_after_ms;
	if (service->config_stale && !read_service(turn, service, began))
		return began + HALF_READ_MS; /* whoever is changing it rings, too */
	if (!fresh)
		return began + STALE_LOOK_MS;
	plan(turn, service, began);
	ended = now_ms();
	service->renew_after_ms = ended + RENEW_PAUSE * (ended - began);
	return UINT64_MAX;
}

/* When this service wants another turn. */
static uint64_t serve(struct balancer_turn *turn, struct balancer_service *service, bool fresh)
{
	uint64_t now, due_ms, retry_ms;

	if (!service->dispatch)
		service->dispatch = balancer_dispatch_new(service, turn->orders, turn->wake, turn->arg);
	due_ms = renew(turn, service, fresh);
	if (!fresh)
		return due_ms;
	now = now_ms();
	executor_wake(service->executor, now);
	balancer_dispatch_flush(service->dispatch, turn->view, now);
	log_moves(service);
	retry_ms = executor_due_ms(service->executor, now);
	return retry_ms < due_ms ? retry_ms : due_ms;
}

uint64_t balancer_turn_take(struct balancer_turn *turn)
{
	uint64_t now = now_ms(), due_ms = now + LOOK_MS;
	bool fresh;

	balancer_state_follow(turn->state, now);
	fresh = is_fresh(turn, now);
	if (!fresh)
		due_ms = now + STALE_LOOK_MS;
	for (uint32_t i = 0; i < balancer_state_count(turn->state); i++) {
		uint64_t service_due_ms = serve(turn, balancer_state_get(turn->state, i), fresh);

		if (service_due_ms < due_ms)
			due_ms = service_due_ms;
	}
	now = now_ms();
	return due_ms > now ? due_ms - now : 0;
}

int balancer_turn_new(struct event_base *base, struct view *view, uint32_t timeout_ms, void (*wake)(void *arg),
        void *arg, struct balancer_turn **ret_turn)
{
	struct balancer_turn *turn = balancer_memory_zeroed(1, sizeof(*turn));

	*turn = (struct balancer_turn){ .view = view, .wake = wake, .arg = arg };
	if (balancer_orders_new(base, timeout_ms, &turn->orders) < 0) {
		free(turn);
		return SM_ENOMEM;
	}
	turn->state = balancer_state_new(view, clocks_now().raw_ns ^ (uint64_t)getpid());
	*ret_turn = turn;
	return 0;
}

void balancer_turn_free(struct balancer_turn *turn)
{
	if (!turn)
		return;
	for (uint32_t i = 0; i < balancer_state_count(turn->state); i++)
		balancer_dispatch_free(balancer_state_get(turn->state, i)->dispatch);
	balancer_state_free(turn->state);
	balancer_orders_free(turn->orders);
	free(turn);
}
