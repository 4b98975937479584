/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Going round the containers, rather than filling one after the other, lets all of them work at once while a long plan
 * is carried out.
 */
#include "planner_deal.h"

#include <assert.h>
#include <stdlib.h>

struct slot {
	uint32_t container, come;
};

struct planner_deal {
	uint32_t container_count;
	uint32_t *stay;     /* per container; all zero between classes */
	struct slot *slots; /* who still takes, in order; one round reads it and writes the next round's over it */
	uint32_t read, write, count;
};

struct planner_deal *planner_deal_new(uint32_t container_count)
{
	struct planner_deal *deal = calloc(1, sizeof(*deal));

	if (!deal)
		return NULL;
	deal->container_count = container_count;
	deal->stay = calloc((size_t)container_count + 1, sizeof(*deal->stay));
	deal->slots = malloc(((size_t)container_count + 1) * sizeof(*deal->slots));
	if (!deal->stay || !deal->slots) {
		planner_deal_free(deal);
		return NULL;
	}
	return deal;
}

void planner_deal_free(struct planner_deal *deal)
{
	if (!deal)
		return;
	free(deal->stay);
	free(deal->slots);
	free(deal);
}

static uint32_t next_taker(struct planner_deal *deal)
{
	struct slot slot;

	if (deal->read == deal->count) {
		deal->count = deal->write;
		deal->read = deal->write = 0;
	}
	assert(deal->count > 0);
	slot = deal->slots[deal->read++];
	if (--slot.come)
		deal->slots[deal->write++] = slot;
	return slot.container;
}

static void deal_start(struct planner_deal *deal, const struct planner_share *shares, uint32_t share_count)
{
	deal->read = deal->write = deal->count = 0;
	for (uint32_t i = 0; i < share_count; i++) {
		deal->stay[shares[i].container] = shares[i].stay;
		if (shares[i].come)
			deal->slots[deal->count++] = (struct slot){ shares[i].container, shares[i].come };
	}
}

/* Sets the targets of those that stay; PLANNER_ABSENT: leaves, PLANNER_NONE: has no owner. */
static void deal_stay(struct planner_deal *deal, const struct planner_deal_class *class, uint32_t *target)
{
	for (uint32_t i = 0; i < class->count; i++) {
		uint32_t shard = class->stay_order ? class->stay_order[i] : i;
		uint32_t owner = class->shards[shard].owner;

		if (owner >= deal->container_count) {
			target[shard] = PLANNER_NONE;
		} else if (deal->stay[owner]) {
			deal->stay[owner]--;
			target[shard] = owner;
		} else {
			target[shard] = PLANNER_ABSENT;
		}
	}
}

void planner_deal_class(struct planner_deal *deal, const struct planner_deal_class *class, uint32_t *target)
{
	uint32_t placed = class->placed;

	deal_start(deal, class->shares, class->share_count);
	deal_stay(deal, class, target);
	for (uint32_t i = 0; i < class->count && deal->count; i++) {
		uint32_t shard = class->come_order ? class->come_order[i] : i;

		if (target[shard] == PLANNER_ABSENT) {
			target[shard] = next_taker(deal);
		} else if (target[shard] == PLANNER_NONE && placed) {
			placed--;
			target[shard] = next_taker(deal);
		}
	}
	for (uint32_t i = 0; i < class->share_count; i++)
		deal->stay[class->shares[i].container] = 0;
}
