/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A small world for the balancer's turn: a real view that the test writes as sync would, and containers that are real HTTP servers of
 * this process and write their claims straight into it.
 */
#ifndef BALANCER_WORLD_H
#define BALANCER_WORLD_H

#include "balancer/balancer_turn.h"
#include "view_help.h"

#include <event2/event.h>
#include <event2/http.h>

#define WORLD_CONTAINERS 8
#define WORLD_OPEN 100
#define WORLD_TIMEOUT_MS 1000 /* containerTimeoutMs */

struct world;
struct world_container {
	struct world *world;
	struct evhttp *http;
	struct evhttp_bound_socket *socket;
	char id[64], service[32];
	int64_t incarnation; /* 0: no session */
	uint32_t adds, drops, requests, probes;
	/* how it behaves */
	bool refuses;                            /* 503 */
	bool breaks;                             /* ends the connection in the middle of a line */
	bool babbles;                            /* answers a line that makes no sense */
	uint32_t fail_adds;                      /* so many adds fail */
	const char *hangs;                       /* the add of this shard never ends, and is never claimed */
	struct evhttp_request *open[WORLD_OPEN]; /* whose last order hangs */
	uint32_t open_count;
};
struct world {
	struct view_fixture *fixture;
	struct event_base *base;
	struct event *timer;
	struct view *view;
	struct balancer_turn *turn;
	int64_t revision;
	struct world_container containers[WORLD_CONTAINERS];
	uint32_t wrong_adds; /* adds given out while the view showed somebody else's claim */
};

/* cmocka set-up and tear-down: *state is a struct world; service S exists, without shards. */
int world_setup(void **state);
int world_teardown(void **state);

void world_begin(struct world *world);
void world_publish(struct world *world); /* and rings the bell */
void world_shards(struct world *world, const char *service, uint32_t first, uint32_t count);
/* Opens the server of one container and gives it a session; its number is its place in the array. */
void world_join(struct world *world, uint32_t number, const char *service);
void world_leave(struct world *world, uint32_t number); /* its session ends; its claims stay */
void world_close(struct world *world, uint32_t number); /* its server ends: connections are refused */
void world_free_claims(struct world *world, const char *service, const char *container);
uint32_t world_held(const struct world *world, const char *service, const char *container); /* NULL: by anybody */

/* Runs the loop until done(world) or 60 s are over, which fails the test. */
void world_run(struct world *world, bool (*done)(struct world *world));
/* Runs until everything that is under way has come to rest: nothing has happened for this long. */
void world_rest(struct world *world, int ms);

#endif
