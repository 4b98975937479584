/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * From numbers to shards: which shards of a class stay with their owner, and where the others go.
 */
#ifndef PLANNER_DEAL_H
#define PLANNER_DEAL_H

#include "planner.h"

struct planner_share {
	uint32_t container;
	uint32_t stay; /* of the class's shards that it owns, how many stay */
	uint32_t come; /* how many of the class's shards come to it from elsewhere; 0 where any leave */
};

struct planner_deal; /* scratch memory, used again for every class */

struct planner_deal *planner_deal_new(uint32_t container_count);
void planner_deal_free(struct planner_deal *deal);

/* Sets target[shard] for the count shards order[0..count) (NULL: shards 0..count-1): its owner, another container, or PLANNER_NONE.
 * shares: each container at most once, in any order; owned shards that do not stay plus placed ones = sum of come. placed: how many shards
 * without owner get one. First by number stay and are placed; arrivals go round the containers. */
void planner_deal_class(struct planner_deal *deal, const struct planner_shard *shards, const uint32_t *order,
        uint32_t count, const struct planner_share *shares, uint32_t share_count, uint32_t placed, uint32_t *target);

#endif
