/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The kernel: where the next step of a shard puts it (settle), and the events that may change that step.
 */
#include "executor.h"

#include "executor_private.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

int executor_new(uint64_t seed, struct executor **ret_executor)
{
	struct executor *executor = calloc(1, sizeof(*executor));

	if (!executor)
		return SM_ENOMEM;
	executor->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	*ret_executor = executor;
	return 0;
}

void executor_free(struct executor *executor)
{
	if (!executor)
		return;
	executor_queue_done(&executor->queue);
	executor_alarms_done(&executor->alarms);
	free(executor->shards);
	free(executor->containers);
	free(executor);
}

static uint64_t backoff_ms(struct executor *executor, uint64_t least_ms, uint8_t failures)
{
	uint64_t ms = failures > 16 ? EXECUTOR_BACKOFF_MAX_MS : least_ms << (failures - 1);

	if (ms > EXECUTOR_BACKOFF_MAX_MS)
		ms = EXECUTOR_BACKOFF_MAX_MS;
	executor->random ^= executor->random << 13;
	executor->random ^= executor->random >> 7;
	executor->random ^= executor->random << 17;
	return ms / 2 + executor->random % (ms / 2 + 1);
}

static void count_failure(uint8_t *failures)
{
	if (*failures < UINT8_MAX)
		++*failures;
}

static void set_alarm(struct executor *executor, uint32_t number, uint64_t due_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (shard->alarm_ms == due_ms)
		return;
	if (executor_alarms_full(&executor->alarms)) {
		executor_alarms_clear(&executor->alarms);
		for (uint32_t i = 0; i < executor->shard_count; i++) {
			if (i != number && executor->shards[i].alarm_ms)
				executor_alarms_set(&executor->alarms, executor->shards[i].alarm_ms, i);
		}
	}
	shard->alarm_ms = due_ms;
	executor_alarms_set(&executor->alarms, due_ms, number);
}

static void end_await(struct executor *executor, struct executor_shard *shard)
{
	executor->claims_awaited -= shard->awaited;
	shard->awaited = false;
}

static void end_flight(struct executor *executor, struct executor_shard *shard)
{
	end_await(executor, shard);
	if (shard->flight.op == EXECUTOR_ADD)
		executor->containers[shard->flight.to].adds_under_way--;
	shard->flight = (struct executor_step){ 0 };
	shard->answered = false;
}

static void settle(struct executor *executor, uint32_t number, uint64_t now_ms);

/* Lets drops go that waited for this container. */
static void release_held(struct executor *executor, uint32_t number, uint64_t now_ms)
{
	struct executor_container *container = &executor->containers[number];
	uint32_t shard;

	while (!container->failures && container->moves_here < EXECUTOR_MOVES_HERE &&
	        (shard = executor_queue_first(&executor->queue, number * EXECUTOR_LISTS + EXECUTOR_HELD)) !=
	                EXECUTOR_QUEUE_NONE)
		settle(executor, shard, now_ms);
}

static void end_move(struct executor *executor, uint32_t number, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (!shard->moving)
		return;
	shard->moving = false;
	executor->containers[shard->wanted].moves_here--;
	release_held(executor, shard->wanted, now_ms);
}

/* False: its heir cannot take it now. */
static bool begin_move(struct executor *executor, struct executor_shard *shard)
{
	struct executor_container *heir = &executor->containers[shard->wanted];

	if (heir->failures || (!shard->moving && heir->moves_here >= EXECUTOR_MOVES_HERE))
		return false;
	heir->moves_here += !shard->moving;
	shard->moving = true;
	return true;
}

static uint32_t list_for(struct executor *executor, struct executor_shard *shard, struct executor_step step)
{
	if (step.op == EXECUTOR_ADD)
		return step.to * EXECUTOR_LISTS + EXECUTOR_ADDS;
	if (!shard->configured)
		return step.to * EXECUTOR_LISTS + EXECUTOR_DROPS;
	return begin_move(executor, shard) ? step.to * EXECUTOR_LISTS + EXECUTOR_MOVES
	                                   : shard->wanted * EXECUTOR_LISTS + EXECUTOR_HELD;
}

/* For the container that it leaves, a move is under way from its drop until the heir has the claim. A drop that failed ends it, and so does an
 * heir that fails: others wait for their moves. */
static void end_leaving(struct executor *executor, struct executor_shard *shard)
{
	bool on_its_way = shard->claim.container == EXECUTOR_NONE && shard->wanted < EXECUTOR_AWAY &&
	                  !shard->failed.op && !executor->containers[shard->wanted].failures;

	if (shard->leaving == EXECUTOR_NONE || shard->flight.op == EXECUTOR_DROP || on_its_way)
		return;
	executor->containers[shard->leaving].moves_away--;
	shard->leaving = EXECUTOR_NONE;
}

/* Puts the shard where what is to be done about it next will find it. */
static void settle(struct executor *executor, uint32_t number, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];
	struct executor_step step = executor_shard_step(shard);
	uint32_t list = EXECUTOR_QUEUE_NONE;

	if (shard->answered && shard->again_ms <= now_ms)
		end_flight(executor, shard);
	end_leaving(executor, shard);
	if (step.op && executor_shard_same(step, shard->flight)) {
		if (shard->answered)
			set_alarm(executor, number, shard->again_ms);
	} else if (step.op && executor_shard_same(step, shard->failed) && shard->again_ms > now_ms) {
		set_alarm(executor, number, shard->again_ms);
	} else if (step.op) {
		list = list_for(executor, shard, step);
	}
	executor_queue_put(&executor->queue, list, number);
	if (!step.op)
		end_move(executor, number, now_ms);
}

bool executor_claimed(struct executor *executor, uint32_t number, struct executor_claim claim, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];
	bool moved = claim.container != shard->claim.container;
	bool changed = moved || claim.ready != shard->claim.ready || claim.current != shard->claim.current;

	if (changed && shard->flight.op && executor_shard_answered_by(shard, &claim))
		end_flight(executor, shard);
	if ((changed && claim.ready) || (moved && shard->failed.op == EXECUTOR_DROP)) {
		shard->failed = (struct executor_step){ 0 };
		shard->failures = 0;
	}
	shard->claim = claim;
	if (shard->awaited && claim.container == shard->flight.to)
		end_await(executor, shard);
	settle(executor, number, now_ms);
	return moved && claim.container < EXECUTOR_AWAY && claim.current && shard->configured &&
	       claim.container != shard->wanted;
}

void executor_want(struct executor *executor, uint32_t number, uint32_t container, bool configured, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (container != shard->wanted || configured != shard->configured) {
		executor_queue_put(&executor->queue, EXECUTOR_QUEUE_NONE, number);
		end_move(executor, number, now_ms);
		shard->wanted = container;
		shard->configured = configured;
		shard->started = false;
		shard->failed = (struct executor_step){ 0 };
		shard->failures = 0;
	}
	shard->orphan = false;
	settle(executor, number, now_ms);
}

bool executor_answered(struct executor *executor, uint32_t number, uint32_t sequence, int code, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (!shard->flight.op || shard->answered || shard->sequence != sequence)
		return false;
	if (code == 0) {
		shard->answered = true;
		shard->failed = (struct executor_step){ 0 };
		shard->again_ms = now_ms + EXECUTOR_ANSWERED_MS;
	} else {
		if (!executor_shard_same(shard->failed, shard->flight))
			shard->failures = 0;
		count_failure(&shard->failures);
		shard->failed = shard->flight;
		shard->again_ms = now_ms + backoff_ms(executor, EXECUTOR_BACKOFF_MIN_MS, shard->failures);
		end_flight(executor, shard);
	}
	settle(executor, number, now_ms);
	return true;
}

void executor_unanswered(struct executor *executor, uint32_t number, uint32_t sequence, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (!shard->flight.op || shard->answered || shard->sequence != sequence)
		return;
	end_flight(executor, shard);
	settle(executor, number, now_ms);
}

bool executor_reached(struct executor *executor, uint32_t number, uint64_t now_ms)
{
	struct executor_container *container = &executor->containers[number];
	bool was_closed = container->closed;

	container->reached = true;
	if (!container->failures)
		return false;
	container->failures = 0;
	container->closed = false;
	release_held(executor, number, now_ms);
	return was_closed;
}

bool executor_unreachable(struct executor *executor, uint32_t number, bool refused, uint64_t now_ms)
{
	struct executor_container *container = &executor->containers[number];
	bool was_closed = container->closed;

	if (!container->failures)
		container->failing_since_ms = now_ms;
	count_failure(&container->failures);
	container->again_ms = now_ms + backoff_ms(executor, EXECUTOR_AGAIN_MIN_MS, container->failures);
	container->closed = was_closed || (refused && container->reached) ||
	                    (container->failures >= EXECUTOR_CLOSED_AFTER &&
	                            now_ms - container->failing_since_ms >= EXECUTOR_CLOSED_AFTER_MS);
	return container->closed && !was_closed;
}

void executor_wake(struct executor *executor, uint64_t now_ms)
{
	uint32_t shard;

	while (executor_alarms_pop(&executor->alarms, now_ms, &shard)) {
		executor->shards[shard].alarm_ms = 0;
		settle(executor, shard, now_ms);
	}
}

static struct executor_order give_out(struct executor *executor, uint32_t number, struct executor_step step)
{
	struct executor_shard *shard = &executor->shards[number];

	end_flight(executor, shard);
	shard->flight = step;
	shard->sequence = ++executor->sequence;
	shard->started = true;
	if (step.op == EXECUTOR_ADD) {
		executor->containers[step.to].adds_under_way++;
		shard->awaited = shard->claim.container == EXECUTOR_NONE;
		executor->claims_awaited += shard->awaited;
	}
	if (step.op == EXECUTOR_DROP && shard->configured && shard->leaving == EXECUTOR_NONE) {
		shard->leaving = step.to;
		executor->containers[step.to].moves_away++;
	}
	executor_queue_put(&executor->queue, EXECUTOR_QUEUE_NONE, number);
	return (struct executor_order){ .shard = number, .sequence = shard->sequence, .op = step.op };
}

/* The heir of a drop may have failed after the drop was queued. False: it is held back. */
static bool heir_is_there(struct executor *executor, uint32_t number)
{
	struct executor_shard *shard = &executor->shards[number];
	struct executor_container *heir = &executor->containers[shard->wanted];

	if (!heir->failures)
		return true;
	heir->moves_here -= shard->moving;
	shard->moving = false;
	executor_queue_put(&executor->queue, shard->wanted * EXECUTOR_LISTS + EXECUTOR_HELD, number);
	return false;
}

static uint32_t first_of(const struct executor *executor, uint32_t container, enum executor_list list)
{
	return executor_queue_first(&executor->queue, container * EXECUTOR_LISTS + list);
}

uint32_t executor_take(
        struct executor *executor, uint32_t number, uint64_t now_ms, uint32_t max, struct executor_order *ret_orders)
{
	const struct executor_step drop = { EXECUTOR_DROP, number }, add = { EXECUTOR_ADD, number };
	struct executor_container *container = &executor->containers[number];
	uint32_t taken = 0, shard;

	if (container->failures && container->again_ms > now_ms)
		return 0;
	while (taken < max && (shard = first_of(executor, number, EXECUTOR_DROPS)) != EXECUTOR_QUEUE_NONE)
		ret_orders[taken++] = give_out(executor, shard, drop);
	while (taken < max && container->moves_away < EXECUTOR_MOVES_AWAY &&
	        (shard = first_of(executor, number, EXECUTOR_MOVES)) != EXECUTOR_QUEUE_NONE) {
		if (heir_is_there(executor, shard))
			ret_orders[taken++] = give_out(executor, shard, drop);
	}
	while (taken < max && container->adds_under_way < EXECUTOR_ADDS_UNDER_WAY &&
	        executor->claims_awaited < EXECUTOR_CLAIMS_AWAITED &&
	        (shard = first_of(executor, number, EXECUTOR_ADDS)) != EXECUTOR_QUEUE_NONE)
		ret_orders[taken++] = give_out(executor, shard, add);
	return taken;
}

static bool has_orders(const struct executor *executor, uint32_t container)
{
	return first_of(executor, container, EXECUTOR_DROPS) != EXECUTOR_QUEUE_NONE ||
	       first_of(executor, container, EXECUTOR_MOVES) != EXECUTOR_QUEUE_NONE ||
	       first_of(executor, container, EXECUTOR_ADDS) != EXECUTOR_QUEUE_NONE;
}

bool executor_probe(const struct executor *executor, uint32_t number, uint64_t now_ms)
{
	const struct executor_container *container = &executor->containers[number];

	return container->failures && container->again_ms <= now_ms && !has_orders(executor, number);
}

uint64_t executor_due_ms(const struct executor *executor, uint64_t now_ms)
{
	uint64_t due_ms = executor_alarms_due_ms(&executor->alarms);

	for (uint32_t i = 0; i < executor->container_count; i++) {
		const struct executor_container *container = &executor->containers[i];

		if (container->failures && container->again_ms > now_ms && container->again_ms < due_ms)
			due_ms = container->again_ms;
	}
	return due_ms;
}

uint32_t executor_owner(const struct executor *executor, uint32_t number)
{
	const struct executor_shard *shard = &executor->shards[number];
	uint32_t holder = shard->claim.container;
	bool open = shard->wanted < EXECUTOR_AWAY && !executor->containers[shard->wanted].closed;

	if (holder == EXECUTOR_NONE)
		return open && shard->started ? shard->wanted : shard->orphan ? EXECUTOR_AWAY : EXECUTOR_NONE;
	if (open && shard->flight.op == EXECUTOR_DROP && shard->flight.to == holder)
		return shard->wanted;
	return holder;
}

uint32_t executor_wanted(const struct executor *executor, uint32_t shard)
{
	return executor->shards[shard].wanted;
}

uint32_t executor_holder(const struct executor *executor, uint32_t shard)
{
	return executor->shards[shard].claim.container;
}

bool executor_settled(const struct executor *executor, uint32_t number)
{
	const struct executor_shard *shard = &executor->shards[number];

	if (shard->claim.container != shard->wanted)
		return false;
	return shard->wanted == EXECUTOR_NONE || (shard->claim.ready && shard->claim.current);
}

bool executor_closed(const struct executor *executor, uint32_t container)
{
	return executor->containers[container].closed;
}

bool executor_failing(const struct executor *executor, uint32_t container)
{
	return executor->containers[container].failures > 0;
}
