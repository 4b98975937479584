/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * New numbers for shards and containers: what is known of them moves along, the lists start empty.
 */
#include "executor_private.h"
#include "shardmgr.h"

#include <stdlib.h>

/* How many claims are awaited still. */
static uint32_t copy_renumbered(struct executor *executor, const struct executor_numbering *numbering,
        struct executor_shard *shards, struct executor_container *containers)
{
	uint32_t claims_awaited = 0;

	for (uint32_t i = 0; i < executor->container_count; i++) {
		if (numbering->container_is[i] != EXECUTOR_NONE && !numbering->container_anew[i])
			containers[numbering->container_is[i]] = executor->containers[i];
	}
	for (uint32_t i = 0; i < numbering->container_count; i++)
		containers[i].adds_under_way = containers[i].moves_away = containers[i].moves_here = 0;
	for (uint32_t i = 0; i < numbering->shard_count; i++) {
		uint32_t was = numbering->shard_was[i];

		if (was == EXECUTOR_NONE)
			executor_shard_init(&shards[i]);
		else
			shards[i] = executor_shard_renumbered(&executor->shards[was], numbering);
		if (shards[i].flight.op == EXECUTOR_ADD)
			containers[shards[i].flight.to].adds_under_way++;
		if (shards[i].leaving != EXECUTOR_NONE)
			containers[shards[i].leaving].moves_away++;
		claims_awaited += shards[i].awaited;
		if (shards[i].moving)
			containers[shards[i].wanted].moves_here++;
	}
	return claims_awaited;
}

int executor_renumber(struct executor *executor, const struct executor_numbering *numbering)
{
	struct executor_shard *shards = malloc(((size_t)numbering->shard_count + 1) * sizeof(*shards));
	struct executor_container *containers = calloc((size_t)numbering->container_count + 1, sizeof(*containers));
	struct executor_queue queue = { 0 };
	struct executor_alarms alarms = { 0 };

	if (!shards || !containers || executor_alarms_init(&alarms, 2 * numbering->shard_count + 2) < 0 ||
	        executor_queue_init(&queue, numbering->container_count * EXECUTOR_LISTS, numbering->shard_count) < 0) {
		free(shards);
		free(containers);
		executor_alarms_done(&alarms);
		return SM_ENOMEM;
	}
	executor->claims_awaited = copy_renumbered(executor, numbering, shards, containers);
	executor_queue_done(&executor->queue);
	executor_alarms_done(&executor->alarms);
	free(executor->shards);
	free(executor->containers);
	executor->shards = shards;
	executor->containers = containers;
	executor->shard_count = numbering->shard_count;
	executor->container_count = numbering->container_count;
	executor->queue = queue;
	executor->alarms = alarms;
	return 0;
}
