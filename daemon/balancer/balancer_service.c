/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Keeps the arrays of a service in step with the view.
 */
#include "balancer_service.h"

#include "balancer_memory.h"
#include "common/log.h"

#include <stdlib.h>

struct balancer_service *balancer_service_new(const char *name, uint64_t seed)
{
	struct balancer_service *service = balancer_memory_zeroed(1, sizeof(*service));

	service->name = balancer_memory_text(name);
	service->row = VIEW_NONE;
	service->shards_stale = service->config_stale = true;
	balancer_shards_init(&service->shards);
	if (executor_new(seed, &service->executor) < 0)
		fatalx("out of memory for the executor of service %s", name);
	return service;
}

void balancer_service_free(struct balancer_service *service)
{
	if (!service)
		return;
	balancer_containers_done(&service->containers);
	balancer_shards_done(&service->shards);
	executor_free(service->executor);
	free(service->name);
	free(service);
}

static struct executor_claim claim_of(const struct balancer_service *service, const struct view_shard *shard)
{
	struct executor_claim claim = { .container = EXECUTOR_NONE, .ready = shard->ready };
	uint32_t holder;

	if (shard->claim_container == 0)
		return claim;
	holder = balancer_containers_by_view_number(&service->containers, shard->claim_container);
	claim.container = holder == BALANCER_CONTAINERS_NONE ? EXECUTOR_AWAY : holder;
	claim.current = holder != BALANCER_CONTAINERS_NONE &&
	                service->containers.items[holder].incarnation == shard->claim_incarnation;
	return claim;
}

static bool feed_claim(struct balancer_service *service, const struct view *view, uint32_t index, uint64_t now_ms)
{
	struct balancer_shard *shard = &service->shards.items[index];
	struct view_shard row;
	bool unforeseen;

	view_shard_get(view, shard->row, &row);
	unforeseen = executor_claimed(service->executor, index, claim_of(service, &row), now_ms);
	if (shard->cause && executor_settled(service->executor, index)) {
		balancer_moves_arrived(&service->moves, shard->cause, now_ms - shard->since_ms);
		shard->cause = 0;
	}
	return unforeseen;
}

void balancer_service_claim(struct balancer_service *service, const struct view *view, uint32_t shard, uint64_t now_ms)
{
	if (feed_claim(service, view, shard, now_ms))
		service->plan_stale = true;
}

/* Moves of shards that are no more. */
static void forget_moves(struct balancer_service *service, const struct balancer_shards *were, const uint32_t *was)
{
	uint32_t under_way = 0;

	for (uint32_t i = 0; i < service->shards.count; i++) {
		if (was[i] != BALANCER_SHARDS_NONE && were->items[was[i]].cause)
			under_way++;
	}
	service->moves.under_way = under_way;
}

static void renumber(struct balancer_service *service, const struct balancer_shards *shards_were,
        const uint32_t *container_is, const bool *container_anew)
{
	uint32_t *shard_was = balancer_memory_zeroed(service->shards.count, sizeof(*shard_was));
	struct executor_numbering numbering = { .shard_count = service->shards.count,
		.container_count = service->containers.count,
		.shard_was = shard_was,
		.container_is = container_is,
		.container_anew = container_anew };

	if (shards_were) {
		balancer_shards_match(shards_were, &service->shards, shard_was);
		forget_moves(service, shards_were, shard_was);
	} else {
		for (uint32_t i = 0; i < service->shards.count; i++)
			shard_was[i] = i;
	}
	if (executor_renumber(service->executor, &numbering) < 0)
		fatalx("out of memory for %u shards of service %s", service->shards.count, service->name);
	free(shard_was);
}

static void read_spec(struct balancer_service *service, const struct view *view)
{
	struct view_service row;

	view_service_get(view, service->row, &row);
	service->exists = row.exists;
	service->max_shard_count =
	        row.max_shard_count > 0 && row.max_shard_count < EXECUTOR_AWAY ? (uint32_t)row.max_shard_count : 0;
}

/* A service that a new segment of the view does not know any more (row VIEW_NONE) has nothing. */
static void read_rows(struct balancer_service *service, const struct view *view, bool shards_stale)
{
	bool known = service->row != VIEW_NONE;

	service->exists = false;
	service->containers = (struct balancer_containers){ 0 };
	if (known) {
		read_spec(service, view);
		balancer_containers_read(view, service->row, &service->containers);
	}
	if (shards_stale && known)
		balancer_shards_read(view, service->row, &service->shards);
	else if (shards_stale)
		balancer_shards_init(&service->shards);
}

/* Puts the executor on the new numbers, where they are new. */
static void match_rows(struct balancer_service *service, const struct balancer_containers *containers_were,
        const struct balancer_shards *shards_were, const struct view *view, uint64_t now_ms)
{
	uint32_t *container_is = balancer_memory_zeroed(containers_were->count, sizeof(*container_is));
	bool *container_anew = balancer_memory_zeroed(containers_were->count, sizeof(*container_anew));

	if (balancer_containers_match(containers_were, &service->containers, container_is, container_anew) ||
	        shards_were) {
		renumber(service, shards_were, container_is, container_anew);
		for (uint32_t i = 0; i < service->shards.count; i++)
			feed_claim(service, view, i, now_ms);
	}
	free(container_is);
	free(container_anew);
}

static uint64_t version_of(const struct balancer_service *service, const struct view *view)
{
	return service->row == VIEW_NONE ? 0 : view_service_config_version(view, service->row);
}

bool balancer_service_read(struct balancer_service *service, const struct view *view, uint64_t now_ms)
{
	uint64_t version = version_of(service, view);
	struct balancer_containers containers_were = service->containers;
	struct balancer_shards shards_were = service->shards;
	bool shards_stale = service->shards_stale;

	if (version & VIEW_CHANGING)
		return false;
	read_rows(service, view, shards_stale);
	match_rows(service, &containers_were, shards_stale ? &shards_were : NULL, view, now_ms);
	if (shards_stale)
		balancer_shards_done(&shards_were);
	balancer_containers_done(&containers_were);
	service->config_version = version;
	service->shards_stale = false;
	service->plan_stale = true;
	service->config_stale = version_of(service, view) != version;
	return !service->config_stale;
}
