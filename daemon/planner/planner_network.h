/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The restricted case: how many shards of each class each container carries, by a minimum-cost flow through planner_layout's network
 * at planner_prices' costs.
 */
#ifndef PLANNER_NETWORK_H
#define PLANNER_NETWORK_H

#include "planner_classes.h"
#include "planner_deal.h"
#include "planner_reach.h"

struct planner_network; /* solved */

/* The reach (with its survey) and the classes must outlive the network. 0 or SM_ENOMEM. */
int planner_network_new(
        struct planner_reach *reach, struct planner_classes *classes, struct planner_network **ret_network);
void planner_network_free(struct planner_network *network);

/* How many shards the container carries in the end. */
uint32_t planner_network_total(const struct planner_network *network, uint32_t container);

/* Fills shares (room for one per container) for class number number; answers how many of its shards without owner get one. */
uint32_t planner_network_shares(
        struct planner_network *network, uint32_t number, struct planner_share *shares, uint32_t *ret_share_count);

#endif
