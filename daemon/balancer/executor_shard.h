/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the executor knows of one shard, and the decision: what its claim and the plan's wish make necessary.
 */
#ifndef EXECUTOR_SHARD_H
#define EXECUTOR_SHARD_H

#include "executor.h"

struct executor_step {
	enum executor_op op; /* 0: nothing */
	uint32_t to;
};

struct executor_shard {
	struct executor_claim claim;
	uint32_t wanted;
	bool configured;
	bool awaited;      /* an add is under way, its claim has not been seen yet */
	bool moving;       /* counted as on its way to the container that is wanted */
	bool started;      /* an order was given out for the container that is wanted now */
	bool orphan;       /* the container that it was with, or on its way to, is no more; until the next wish */
	bool answered;     /* the order under way ended with 0, the view has yet to show it */
	uint8_t failures;  /* of step `failed`, in a row */
	uint32_t sequence; /* of the order under way */
	uint32_t leaving;  /* the container that counts it as a move away; EXECUTOR_NONE */
	struct executor_step flight; /* the order under way */
	struct executor_step failed; /* not again before again_ms */
	uint64_t again_ms;
	uint64_t alarm_ms; /* an alarm is set for then; 0 none */
};

void executor_shard_init(struct executor_shard *shard); /* free, not configured, wanted by nobody */
struct executor_step executor_shard_step(const struct executor_shard *shard);
bool executor_shard_same(struct executor_step a, struct executor_step b);
/* Has the view, with this claim, answered the order under way, or shown that its answer counts no more? */
bool executor_shard_answered_by(const struct executor_shard *shard, const struct executor_claim *claim);
struct executor_shard executor_shard_renumbered(
        const struct executor_shard *shard, const struct executor_numbering *numbering);

#endif
