/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * In which order shards should stay where they are, when only their number is known yet: so that their groups become more even.
 */
#ifndef PLANNER_RANK_H
#define PLANNER_RANK_H

#include "planner_reach.h"

/* All shard numbers, so that what a container has too many of in its class comes late. Caller frees; NULL: out of memory. */
uint32_t *planner_rank(const struct planner_reach *reach, const struct planner_classes *classes);

#endif
