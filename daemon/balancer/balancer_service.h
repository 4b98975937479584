/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One governed service as the balancer sees it: its containers and shards as dense arrays read from the view, and the executor that
 * works on the same numbers. A claim's change costs one row; the arrays are read again only when the configuration or the containers
 * changed.
 */
#ifndef BALANCER_SERVICE_H
#define BALANCER_SERVICE_H

#include "balancer_containers.h"
#include "balancer_moves.h"
#include "balancer_shards.h"
#include "executor.h"

struct balancer_service {
	char *name;
	uint32_t row; /* in the view */
	bool exists;  /* has a spec; without one all its claims are unwanted */
	uint32_t max_shard_count;
	uint64_t config_version;                     /* of the view, as last read */
	bool shards_stale, config_stale, plan_stale; /* what has to be made again before the next orders */
	uint64_t renew_after_ms; /* not read or planned before: that shall not take all the time there is */
	uint64_t half_since_ms;  /* could not be read whole since; 0: it could */
	struct balancer_containers containers;
	struct balancer_shards shards;
	struct executor *executor;
	struct balancer_moves moves, moves_logged;
	struct balancer_dispatch *dispatch; /* the orders' way out (balancer_dispatch.h); not this file's affair */
};

struct balancer_service *balancer_service_new(const char *name, uint64_t seed);
void balancer_service_free(struct balancer_service *service);
/* Reads what is stale, unless the view is being changed just now. False: it is stale still, also when it changed while it was read and
 * what was read may be from two moments. */
bool balancer_service_read(struct balancer_service *service, const struct view *view, uint64_t now_ms);
/* The claim of one shard has changed. */
void balancer_service_claim(struct balancer_service *service, const struct view *view, uint32_t shard, uint64_t now_ms);

#endif
