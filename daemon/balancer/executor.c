/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The kernel: where the next step of a shard puts it (settle), and the events that may change that step.
 */
#include "executor.h"

#include "executor_alarms.h"
#include "executor_queue.h"
#include "executor_shard.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

enum list {
	LIST_DROPS, /* of what nobody shall have */
	LIST_MOVES, /* drops for an heir */
	LIST_ADDS,
	LIST_HELD,
	LISTS
}; /* per container; held: drops that wait for this one to be reached */

struct container {
	uint64_t again_ms, failing_since_ms;
	uint32_t adds_under_way, moves_away;
	uint8_t failures;
	bool reached; /* once, in this incarnation */
	bool closed;
};

struct executor {
	struct executor_shard *shards;
	struct container *containers;
	uint32_t shard_count, container_count;
	struct executor_queue queue;
	struct executor_alarms alarms;
	uint64_t random;
	uint32_t sequence;
};

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

static void end_flight(struct executor *executor, struct executor_shard *shard)
{
	if (shard->flight.op == EXECUTOR_ADD)
		executor->containers[shard->flight.to].adds_under_way--;
	shard->flight = (struct executor_step){ 0 };
	shard->answered = false;
}

static bool waits_for_heir(
        const struct executor *executor, const struct executor_shard *shard, struct executor_step step)
{
	return step.op == EXECUTOR_DROP && shard->configured && executor->containers[shard->wanted].failures;
}

static uint32_t list_for(const struct executor *executor, const struct executor_shard *shard, struct executor_step step)
{
	if (waits_for_heir(executor, shard, step))
		return shard->wanted * LISTS + LIST_HELD;
	if (step.op == EXECUTOR_ADD)
		return step.to * LISTS + LIST_ADDS;
	return step.to * LISTS + (shard->configured ? LIST_MOVES : LIST_DROPS);
}

/* A move is under way from its drop until the heir has the claim, or the drop has failed. */
static void count_move(struct executor *executor, struct executor_shard *shard)
{
	bool free_for_heir = shard->claim.container == EXECUTOR_NONE && shard->wanted < EXECUTOR_AWAY;

	if (shard->leaving == EXECUTOR_NONE || shard->flight.op == EXECUTOR_DROP || free_for_heir)
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
	count_move(executor, shard);
	if (step.op && executor_shard_same(step, shard->flight)) {
		if (shard->answered)
			set_alarm(executor, number, shard->again_ms);
	} else if (step.op && executor_shard_same(step, shard->failed) && shard->again_ms > now_ms) {
		set_alarm(executor, number, shard->again_ms);
	} else if (step.op) {
		list = list_for(executor, shard, step);
	}
	executor_queue_put(&executor->queue, list, number);
}

static void copy_renumbered(struct executor *executor, const struct executor_numbering *numbering,
        struct executor_shard *shards, struct container *containers)
{
	for (uint32_t i = 0; i < executor->container_count; i++) {
		if (numbering->container_is[i] != EXECUTOR_NONE && !numbering->container_anew[i])
			containers[numbering->container_is[i]] = executor->containers[i];
	}
	for (uint32_t i = 0; i < numbering->container_count; i++)
		containers[i].adds_under_way = containers[i].moves_away = 0;
	for (uint32_t i = 0; i < numbering->shard_count; i++) {
		uint32_t was = numbering->shard_was[i];

		if (was == EXECUTOR_NONE)
			executor_shard_init(&shards[i]);
		else
			shards[i] = executor_shard_renumbered(&executor->shards[was], numbering);
		if (shards[i].flight.op == EXECUTOR_ADD)
			containers[shards[i].flight.to].adds_under_way++;
		if (shards[i].leaving != EXECUTOR_NONE)
			containers[shards[i].leaving].moves_away++;
	}
}

int executor_renumber(struct executor *executor, const struct executor_numbering *numbering)
{
	struct executor_shard *shards = malloc(((size_t)numbering->shard_count + 1) * sizeof(*shards));
	struct container *containers = calloc((size_t)numbering->container_count + 1, sizeof(*containers));
	struct executor_queue queue = { 0 };
	struct executor_alarms alarms = { 0 };

	if (!shards || !containers || executor_alarms_init(&alarms, 2 * numbering->shard_count + 2) < 0 ||
	        executor_queue_init(&queue, numbering->container_count * LISTS, numbering->shard_count) < 0) {
		free(shards);
		free(containers);
		executor_alarms_done(&alarms);
		return SM_ENOMEM;
	}
	copy_renumbered(executor, numbering, shards, containers);
	executor_queue_done(&executor->queue);
	executor_alarms_done(&executor->alarms);
	free(executor->shards);
	free(executor->containers);
	executor->shards = shards;
	executor->containers = containers;
	executor->shard_count = numbering->shard_count;
	executor->container_count = numbering->container_count;
	executor->queue = queue;
	executor->alarms = alarms;
	return 0;
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
	settle(executor, number, now_ms);
	return moved && claim.container < EXECUTOR_AWAY && claim.current && shard->configured &&
	       claim.container != shard->wanted;
}

void executor_want(struct executor *executor, uint32_t number, uint32_t container, bool configured, uint64_t now_ms)
{
	struct executor_shard *shard = &executor->shards[number];

	if (container != shard->wanted || configured != shard->configured) {
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
	struct container *container = &executor->containers[number];
	bool was_closed = container->closed;
	uint32_t shard;

	container->reached = true;
	if (!container->failures)
		return false;
	*container = (struct container){
		.adds_under_way = container->adds_under_way, .moves_away = container->moves_away, .reached = true
	};
	while ((shard = executor_queue_first(&executor->queue, number * LISTS + LIST_HELD)) != EXECUTOR_QUEUE_NONE)
		settle(executor, shard, now_ms);
	return was_closed;
}

bool executor_unreachable(struct executor *executor, uint32_t number, bool refused, uint64_t now_ms)
{
	struct container *container = &executor->containers[number];
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
	if (step.op == EXECUTOR_ADD)
		executor->containers[step.to].adds_under_way++;
	if (step.op == EXECUTOR_DROP && shard->configured && shard->leaving == EXECUTOR_NONE) {
		shard->leaving = step.to;
		executor->containers[step.to].moves_away++;
	}
	executor_queue_put(&executor->queue, EXECUTOR_QUEUE_NONE, number);
	return (struct executor_order){ .shard = number, .sequence = shard->sequence, .op = step.op };
}

uint32_t executor_take(
        struct executor *executor, uint32_t number, uint64_t now_ms, uint32_t max, struct executor_order *ret_orders)
{
	struct container *container = &executor->containers[number];
	const struct executor_step drop = { EXECUTOR_DROP, number };
	uint32_t taken = 0, shard;

	if (container->failures && container->again_ms > now_ms)
		return 0;
	while (taken < max &&
	        (shard = executor_queue_first(&executor->queue, number * LISTS + LIST_DROPS)) != EXECUTOR_QUEUE_NONE)
		ret_orders[taken++] = give_out(executor, shard, drop);
	while (taken < max && container->moves_away < EXECUTOR_MOVES_AWAY &&
	        (shard = executor_queue_first(&executor->queue, number * LISTS + LIST_MOVES)) != EXECUTOR_QUEUE_NONE) {
		if (waits_for_heir(executor, &executor->shards[shard], drop))
			settle(executor, shard, now_ms);
		else
			ret_orders[taken++] = give_out(executor, shard, drop);
	}
	while (taken < max && container->adds_under_way < EXECUTOR_ADDS_UNDER_WAY &&
	        (shard = executor_queue_first(&executor->queue, number * LISTS + LIST_ADDS)) != EXECUTOR_QUEUE_NONE)
		ret_orders[taken++] = give_out(executor, shard, (struct executor_step){ EXECUTOR_ADD, number });
	return taken;
}

static bool has_orders(const struct executor *executor, uint32_t container)
{
	for (uint32_t list = LIST_DROPS; list <= LIST_ADDS; list++) {
		if (executor_queue_first(&executor->queue, container * LISTS + list) != EXECUTOR_QUEUE_NONE)
			return true;
	}
	return false;
}

bool executor_probe(const struct executor *executor, uint32_t number, uint64_t now_ms)
{
	const struct container *container = &executor->containers[number];

	return container->failures && container->again_ms <= now_ms && !has_orders(executor, number);
}

uint64_t executor_due_ms(const struct executor *executor, uint64_t now_ms)
{
	uint64_t due_ms = executor_alarms_due_ms(&executor->alarms);

	for (uint32_t i = 0; i < executor->container_count; i++) {
		const struct container *container = &executor->containers[i];

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
