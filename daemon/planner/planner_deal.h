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

/* What becomes of the shards of one class. */
struct planner_deal_class {
	const struct planner_shard *shards; /* all shards */
	const uint32_t *stay_order;         /* the class's shards; the first of a container's are those that stay */
	const uint32_t
	        *come_order; /* the same shards; the first are placed, and neighbours go to different containers */
	uint32_t count;      /* of either; where these are NULL, the class's shards are 0..count-1 */
	const struct planner_share *shares; /* each container at most once, in any order */
	uint32_t share_count;
	uint32_t placed; /* how many shards without owner get one */
};

/* Sets target[shard] for the class's shards: its owner, another container, or PLANNER_NONE. The owned shards that do not stay plus the
 * placed ones must be the sum of come. */
void planner_deal_class(struct planner_deal *deal, const struct planner_deal_class *class, uint32_t *target);

#endif
