/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The restricted case as a minimum-cost flow:
 *
 *     class ---> (group, container) ---> container ---> sink          class ---> sink: stays without owner
 *
 * How many shards of a class a container carries is the flow on the first kind of arc; what a plan must reach, in its order, is
 * packed into the costs, each level worth more than all that a change can do to the levels below it.
 */
#ifndef PLANNER_NETWORK_H
#define PLANNER_NETWORK_H

#include "planner_classes.h"
#include "planner_deal.h"

struct planner_network; /* solved */

/* The survey and the classes must outlive the network. 0 or SM_ENOMEM. */
int planner_network_new(const struct planner_survey *survey, const struct planner_classes *classes,
        struct planner_network **ret_network);
void planner_network_free(struct planner_network *network);

/* How many shards the container carries in the end. */
uint32_t planner_network_total(const struct planner_network *network, uint32_t container);

/* Fills shares (room for one per container) for class number number; answers how many of its shards without owner get one. */
uint32_t planner_network_shares(const struct planner_network *network, uint32_t number, struct planner_share *shares,
        uint32_t *ret_share_count);

#endif
