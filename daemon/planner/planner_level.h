/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The plain case, in time linear in the containers: one class that every open container may take.
 */
#ifndef PLANNER_LEVEL_H
#define PLANNER_LEVEL_H

#include "planner_deal.h"
#include "planner_survey.h"

/* Is it the plain case: survey->plain, a container is open, and max_shard_count leaves room for all? */
bool planner_level_applies(const struct planner_survey *survey);

/* Fills shares (one per container) with counts within 1 over the open containers, by the formula in planner.h. Call only
 * where it applies. */
void planner_level_shares(const struct planner_survey *survey, struct planner_share *shares);

#endif
