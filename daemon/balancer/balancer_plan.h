/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * From a service's arrays to the planner and back: the plan becomes the executor's wishes.
 */
#ifndef BALANCER_PLAN_H
#define BALANCER_PLAN_H

#include "balancer_service.h"

struct balancer_plan_report {
	uint32_t decided[BALANCER_MOVES_CAUSES]; /* moves and placements that were not decided before */
	uint32_t total;
	uint32_t unassigned[PLANNER_REASON_MAX_SHARD_COUNT + 1];
	uint64_t hash;
};

/* Plans the service as it was read last, and tells the executor. Negative: the planner's error, the wishes stay as they were. */
int balancer_plan_make(struct balancer_service *service, const struct view *view, uint64_t now_ms,
        struct balancer_plan_report *ret_report);
/* "250 moves: balance 250; 3 unassigned: pin-absent 3" */
void balancer_plan_print(const struct balancer_plan_report *report, char *text, size_t bytes);

#endif
