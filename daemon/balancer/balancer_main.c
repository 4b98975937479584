/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The balancer: on every ring of its bell, answer of a container, or due retry it takes one turn: follow the view, plan what has to be
 * planned, send what is ready. It writes nothing but orders.
 */
#include "balancer_dispatch.h"
#include "balancer_memory.h"
#include "balancer_plan.h"
#include "balancer_state.h"
#include "common/clocks.h"
#include "common/log.h"
#include "common/role.h"
#include "shardmgr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_AGAIN_MS 50u
#define LOOK_MS 1000u   /* looks at the view at least this often, whatever the bell says */
#define FRESH_MS 10000u /* a view that was not in step for this long is not acted upon: README.md */
#define STALE_LOOK_MS 200u
#define HALF_READ_MS 500u /* a service that could not be read whole for this long is planned from what there is */

struct balancer {
	struct role role;
	struct view *view; /* NULL until there is one */
	struct balancer_state *state;
	struct balancer_orders *orders;
	struct event *bell, *timer, *turn;
	bool stale;
};

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

static void set_timer(struct balancer *balancer, uint64_t ms)
{
	struct timeval timeout = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(balancer->timer, &timeout) < 0)
		fatalx("out of memory");
}

static void wake(void *arg)
{
	struct balancer *balancer = arg;

	event_active(balancer->turn, 0, 0);
}

static bool is_fresh(struct balancer *balancer, uint64_t now)
{
	uint64_t synced_ms = view_synced_at_ms(balancer->view);
	bool stale = synced_ms == 0 || (now > synced_ms && now - synced_ms > FRESH_MS);

	if (stale != balancer->stale)
		log_warning(stale ? "the view is out of step with etcd: no plans, no orders"
		                  : "the view is in step with etcd again");
	balancer->stale = stale;
	return !stale;
}

static void plan(struct balancer *balancer, struct balancer_service *service, uint64_t now)
{
	struct balancer_plan_report report;
	uint64_t took_ms;
	char text[512];
	int rc = balancer_plan_make(service, balancer->view, now, &report);

	if (rc < 0)
		fatalx("planning service %s: error %d", service->name, rc);
	took_ms = now_ms() - now;
	service->plan_stale = false;
	service->plan_after_ms = now + 3 * took_ms;
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
static bool read_service(struct balancer *balancer, struct balancer_service *service, uint64_t now)
{
	bool whole = balancer_state_read(balancer->state, service, now);

	balancer_dispatch_prune(service->dispatch);
	if (whole)
		service->half_since_ms = 0;
	else if (!service->half_since_ms)
		service->half_since_ms = now;
	return whole || (!service->shards_stale && now - service->half_since_ms > HALF_READ_MS);
}

/* When this service wants another turn. */
static uint64_t serve(struct balancer *balancer, struct balancer_service *service, bool fresh)
{
	uint64_t now = now_ms(), due_ms = UINT64_MAX, other_ms;

	if (!service->dispatch)
		service->dispatch = balancer_dispatch_new(service, balancer->orders, wake, balancer);
	if (service->config_stale && !read_service(balancer, service, now))
		due_ms = now + HALF_READ_MS; /* whoever is changing it rings, too */
	if (!fresh)
		return now + STALE_LOOK_MS;
	if (service->plan_stale && now >= service->plan_after_ms && due_ms == UINT64_MAX)
		plan(balancer, service, now);
	executor_wake(service->executor, now);
	balancer_dispatch_flush(service->dispatch, balancer->view, now);
	log_moves(service);
	other_ms = executor_due_ms(service->executor, now);
	if (service->plan_stale && service->plan_after_ms > now && service->plan_after_ms < other_ms)
		other_ms = service->plan_after_ms;
	return other_ms < due_ms ? other_ms : due_ms;
}

static void take_turn(struct balancer *balancer)
{
	uint64_t now = now_ms(), due_ms = now + LOOK_MS;
	bool fresh;

	balancer_state_follow(balancer->state, now);
	fresh = is_fresh(balancer, now);
	for (uint32_t i = 0; i < balancer_state_count(balancer->state); i++) {
		uint64_t service_due_ms = serve(balancer, balancer_state_get(balancer->state, i), fresh);

		if (service_due_ms < due_ms)
			due_ms = service_due_ms;
	}
	now = now_ms();
	set_timer(balancer, due_ms > now ? due_ms - now : 0);
}

/* The view of our own cluster; one that an earlier smd left behind is not. */
static bool open_view(struct balancer *balancer)
{
	const struct config *config = balancer->role.config;
	int rc = view_open(config->runtime_dir, &balancer->view);

	if (rc == SM_ENOENT)
		return false;
	if (rc < 0)
		fatalx("opening the view in %s: error %d", config->runtime_dir, rc);
	if (strcmp(view_prefix(balancer->view), config->etcd_prefix) != 0 ||
	        strcmp(view_manager_service(balancer->view), config->service) != 0) {
		view_close(balancer->view);
		balancer->view = NULL;
		return false;
	}
	balancer->state = balancer_state_new(balancer->view, clocks_now().raw_ns ^ (uint64_t)getpid());
	log_info("following the view at revision %" PRIu64, view_revision(balancer->view));
	role_ready(&balancer->role);
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct balancer *balancer = arg;

	(void)fd;
	(void)what;
	if (!balancer->view && !open_view(balancer))
		set_timer(balancer, OPEN_AGAIN_MS);
	else
		take_turn(balancer);
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
	uint64_t rings;

	if (read(fd, &rings, sizeof(rings)) < 0)
		return;
	on_turn(fd, what, arg);
}

static void on_stop(void *arg)
{
	struct balancer *balancer = arg;

	event_base_loopbreak(balancer->role.base);
}

static void done(struct balancer *balancer)
{
	for (uint32_t i = 0; balancer->state && i < balancer_state_count(balancer->state); i++)
		balancer_dispatch_free(balancer_state_get(balancer->state, i)->dispatch);
	balancer_state_free(balancer->state);
	balancer_orders_free(balancer->orders);
	view_close(balancer->view);
	event_free(balancer->bell);
	event_free(balancer->timer);
	event_free(balancer->turn);
	role_done(&balancer->role);
}

int balancer_main(void)
{
	struct balancer balancer = { 0 };
	struct event_base *base;
	int status;

	role_init(&balancer.role, "balancer");
	base = balancer.role.base;
	balancer.role.stop = on_stop;
	balancer.role.arg = &balancer;
	balancer.bell = event_new(base, ROLE_FD_BELL_BALANCER, EV_READ | EV_PERSIST, on_bell, &balancer);
	balancer.timer = evtimer_new(base, on_turn, &balancer);
	balancer.turn = event_new(base, -1, 0, on_turn, &balancer);
	if (!balancer.bell || !balancer.timer || !balancer.turn || event_add(balancer.bell, NULL) < 0 ||
	        balancer_orders_new(base, (uint32_t)balancer.role.config->container_timeout_ms, &balancer.orders) < 0)
		fatalx("out of memory");
	wake(&balancer);
	status = role_run(&balancer.role);
	done(&balancer);
	return status;
}
