/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The hard rules: which containers a class of shards may run on, and what may become of those it has.
 */
#ifndef PLANNER_RULES_H
#define PLANNER_RULES_H

#include "planner_classes.h"

/* The containers that may run the class, whatever their stand, ascending. everybody: 0, 1, … container_count - 1. */
const uint32_t *planner_rules_eligible(const struct planner_survey *survey, const struct planner_class *class,
        const uint32_t *everybody, uint32_t *ret_count);

/* Is any of these open? If not, the class's shards stay where they are, and without owner if they have none. */
bool planner_rules_has_place(const struct planner_survey *survey, const uint32_t *eligible, uint32_t count);

/* May shards of the class that container owns stay there for good? */
bool planner_rules_is_welcome(
        const struct planner_survey *survey, const struct planner_class *class, uint32_t container);

/* Does container keep what it owns of the class, come what may? (It is cordoned and within max_shard_count.) */
bool planner_rules_is_kept(const struct planner_survey *survey, const struct planner_class *class, uint32_t container);

/* Why a shard of the class stays without owner. */
enum planner_reason planner_rules_reason(const struct planner_survey *survey, const struct planner_shard *shard);

/* Why a shard moves. over_limit: its owner carries more than max_shard_count and this shard is one too many. */
enum planner_cause planner_rules_cause(
        const struct planner_survey *survey, const struct planner_shard *shard, bool over_limit);

#endif
