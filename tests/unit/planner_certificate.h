/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Proof that an outcome too large for the oracle is the best: no chain of moves (each shard to where another leaves) makes it better. For
 * snapshots without cordoned containers and without containers over max_shard_count.
 */
#ifndef PLANNER_CERTIFICATE_H
#define PLANNER_CERTIFICATE_H

#include "planner_cases.h"

/* Is owner (per shard, PLANNER_NONE = none) the best outcome of c? */
bool planner_certificate_holds(const struct planner_case *c, const uint32_t *owner);

#endif
