/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The hard rules: where a class of shards may stay, and what to say of a shard that moves or has no place.
 */
#ifndef PLANNER_RULES_H
#define PLANNER_RULES_H

#include "planner_classes.h"

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
