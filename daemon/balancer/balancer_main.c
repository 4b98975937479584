/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The balancer: on every ring of its bell, answer of a container, or due retry it takes one turn. It writes nothing but orders.
 */
#include "balancer_turn.h"
#include "common/log.h"
#include "common/role.h"
#include "shardmgr.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define OPEN_AGAIN_MS 50u

struct balancer {
	struct role role;
	struct view *view; /* NULL until there is one */
	struct balancer_turn *turn;
	struct event *bell, *timer, *soon;
};

static void set_timer(struct balancer *balancer, uint64_t ms)
{
	struct timeval timeout = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(balancer->timer, &timeout) < 0)
		fatalx("out of memory");
}

static void wake(void *arg)
{
	struct balancer *balancer = arg;

	event_active(balancer->soon, 0, 0);
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
	if (balancer_turn_new(balancer->role.base, balancer->view, (uint32_t)config->container_timeout_ms, wake,
	            balancer, &balancer->turn) < 0)
		fatalx("out of memory");
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
		set_timer(balancer, balancer_turn_take(balancer->turn));
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
	balancer.soon = event_new(base, -1, 0, on_turn, &balancer);
	if (!balancer.bell || !balancer.timer || !balancer.soon || event_add(balancer.bell, NULL) < 0)
		fatalx("out of memory");
	wake(&balancer);
	status = role_run(&balancer.role);
	balancer_turn_free(balancer.turn);
	view_close(balancer.view);
	event_free(balancer.bell);
	event_free(balancer.timer);
	event_free(balancer.soon);
	role_done(&balancer.role);
	return status;
}
