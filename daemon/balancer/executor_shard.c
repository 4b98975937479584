/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Decisions about one shard.
 */
#include "executor_shard.h"

void executor_shard_init(struct executor_shard *shard)
{
	*shard = (struct executor_shard){
		.claim = { .container = EXECUTOR_NONE }, .wanted = EXECUTOR_NONE, .leaving = EXECUTOR_NONE
	};
}

bool executor_shard_same(struct executor_step a, struct executor_step b)
{
	return a.op == b.op && a.to == b.to;
}

struct executor_step executor_shard_step(const struct executor_shard *shard)
{
	const struct executor_step nothing = { 0 };
	uint32_t holder = shard->claim.container;

	if (holder == EXECUTOR_NONE)
		return shard->wanted < EXECUTOR_AWAY ? (struct executor_step){ EXECUTOR_ADD, shard->wanted } : nothing;
	if (holder == EXECUTOR_AWAY || !shard->claim.current)
		return nothing;
	if (holder == shard->wanted)
		return shard->claim.ready ? nothing : (struct executor_step){ EXECUTOR_ADD, holder };
	if (shard->configured && shard->wanted == EXECUTOR_NONE)
		return nothing;
	return (struct executor_step){ EXECUTOR_DROP, holder };
}

bool executor_shard_answered_by(const struct executor_shard *shard, const struct executor_claim *claim)
{
	if (shard->flight.op == EXECUTOR_DROP)
		return claim->container != shard->flight.to;
	if (claim->container == shard->flight.to)
		return claim->ready;
	return shard->answered;
}

static uint32_t renumbered(const struct executor_numbering *numbering, uint32_t container, uint32_t if_gone)
{
	uint32_t now;

	if (container >= EXECUTOR_AWAY)
		return container;
	now = numbering->container_is[container];
	return now == EXECUTOR_NONE ? if_gone : now;
}

static struct executor_step step_renumbered(const struct executor_numbering *numbering, struct executor_step step)
{
	uint32_t to = step.op ? renumbered(numbering, step.to, EXECUTOR_NONE) : EXECUTOR_NONE;

	if (to != EXECUTOR_NONE && numbering->container_anew[step.to])
		to = EXECUTOR_NONE;
	return to == EXECUTOR_NONE ? (struct executor_step){ 0 } : (struct executor_step){ step.op, to };
}

struct executor_shard executor_shard_renumbered(
        const struct executor_shard *was, const struct executor_numbering *numbering)
{
	struct executor_shard shard = *was;

	shard.wanted = renumbered(numbering, was->wanted, EXECUTOR_NONE);
	shard.claim.container = renumbered(numbering, was->claim.container, EXECUTOR_AWAY);
	shard.flight = step_renumbered(numbering, was->flight);
	shard.failed = step_renumbered(numbering, was->failed);
	shard.answered = was->answered && shard.flight.op;
	shard.awaited = was->awaited && shard.flight.op;
	shard.leaving = renumbered(numbering, was->leaving, EXECUTOR_NONE);
	if (shard.leaving != EXECUTOR_NONE && numbering->container_anew[was->leaving])
		shard.leaving = EXECUTOR_NONE;
	shard.orphan |= was->wanted != shard.wanted && shard.wanted == EXECUTOR_NONE &&
	                (was->started || was->claim.container == was->wanted);
	shard.started = was->started && shard.wanted != EXECUTOR_NONE;
	shard.moving = was->moving && shard.wanted != EXECUTOR_NONE;
	shard.alarm_ms = 0;
	return shard;
}
