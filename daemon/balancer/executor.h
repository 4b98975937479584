/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What to ask of whom, so that the claims in the view become what the plan wants: a pure kernel, (state, event, now) -> orders, for one
 * service. It does no I/O, reads no clock, and is random only by its seed. Shards and containers are dense numbers; containers are those
 * that take orders (alive, ours).
 *
 * An order is a wish, so nothing here is trusted for safety; the rules are there to lose no time and to move nothing for nothing:
 *   - an add is never given out while the view shows a claim of somebody else;
 *   - a configured shard that is held is dropped only when a container is wanted for it, and not while that one is unreachable or has
 *     EXECUTOR_MOVES_HERE others on their way to it;
 *   - a claim of a container that takes no orders, or of an earlier incarnation, is left alone: sync frees it;
 *   - one order under way per shard; another is given out when the view or the plan ask for a different one, and then only the newest
 *     one's answer counts;
 *   - what fails is asked again after 100 ms, doubling to 30 s, with jitter, when the container said no to that shard; and after 10 ms,
 *     doubling to 30 s, when the container could not be reached or takes no orders now. What the view answers, needs no answer from the container.
 */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXECUTOR_NONE UINT32_MAX       /* no container */
#define EXECUTOR_AWAY (UINT32_MAX - 1) /* one that takes no orders: gone, or not ours */

#define EXECUTOR_BACKOFF_MIN_MS 100u
#define EXECUTOR_BACKOFF_MAX_MS 30000u
#define EXECUTOR_ANSWERED_MS 5000u /* done, says the container; asked again when the view does not show it by then */
#define EXECUTOR_CLOSED_AFTER 3u   /* failures, and so long after the first of them */
#define EXECUTOR_CLOSED_AFTER_MS 500u
#define EXECUTOR_AGAIN_MIN_MS 10u /* for a container; one that has just registered may not be open yet */
/* Most adds given out and not ended, per container: what waits can still be planned elsewhere. Drops never wait behind adds. */
#define EXECUTOR_ADDS_UNDER_WAY 256u
/* Most adds of the whole service that are given out and whose claim the view does not show yet. Claims are what etcd has to bear: with
 * all that 50 containers may have under way it kept sessions waiting until they ended. An application's slow add does not count. */
#define EXECUTOR_CLAIMS_AWAITED 1024u
/* Most moves away from one container at a time, from the drop until the heir has the claim. A shard is without owner while the others of
 * its batch are dropped, released and claimed, so small batches make short gaps; that many of them follow each other costs little, since
 * the next drops while this one is claimed. tests/bench/handover, 250 moves from three containers to a fourth: 24 away and 64 here, median
 * gap 43 ms, 0.71 s for all; 8 and 24, 22 ms, 0.75 s; 4 and 16, 8 ms, 0.65 s, on a machine with other load. */
#define EXECUTOR_MOVES_AWAY 4u
/* And most on their way to one container, from there to its being ready: the same where many give to one, and an heir whose adds fail or
 * hang takes no more than these from their users. */
#define EXECUTOR_MOVES_HERE 16u

enum executor_op { EXECUTOR_ADD = 1, EXECUTOR_DROP = 2 };

struct executor_claim {
	uint32_t container; /* who holds it: number, EXECUTOR_AWAY, or EXECUTOR_NONE: it is free */
	bool ready;
	bool current; /* of the container's present incarnation */
};

struct executor_order {
	uint32_t shard, sequence; /* the answer names both */
	enum executor_op op;
};

struct executor;

int executor_new(uint64_t seed, struct executor **ret_executor); /* SM_ENOMEM */
void executor_free(struct executor *executor);

/* New numbers. shard_was[s]: the number that shard s had, or EXECUTOR_NONE: it is new. container_is[c]: the number that the container
 * which was c has now, or EXECUTOR_NONE: it is no more. container_anew[c]: it has another incarnation: what was under way to it is
 * void, what is wanted of it stays. Follow it with executor_claimed and executor_want for every shard. */
struct executor_numbering {
	uint32_t shard_count, container_count;
	const uint32_t *shard_was;    /* shard_count */
	const uint32_t *container_is; /* as many as there were containers, and so */
	const bool *container_anew;
};
int executor_renumber(struct executor *executor, const struct executor_numbering *numbering); /* SM_ENOMEM: unchanged */

/* ---- events ---- */
/* The view's claim of a shard. True when the plan did not foresee it and should be made again. */
bool executor_claimed(struct executor *executor, uint32_t shard, struct executor_claim claim, uint64_t now_ms);
/* The plan's word: who shall have it, EXECUTOR_NONE for nobody; configured false: nobody may keep it either. */
void executor_want(struct executor *executor, uint32_t shard, uint32_t container, bool configured, uint64_t now_ms);
/* An order has ended with this code (0 done). False: it is not the newest one of its shard, nothing changed. */
bool executor_answered(struct executor *executor, uint32_t shard, uint32_t sequence, int code, uint64_t now_ms);
/* An order will have no answer: not sent, refused as a whole, or the stream broke. */
void executor_unanswered(struct executor *executor, uint32_t shard, uint32_t sequence, uint64_t now_ms);
/* The container took a request. True: it was closed, and is open again (below). */
bool executor_reached(struct executor *executor, uint32_t container, uint64_t now_ms);
/* It did not, or broke off; refused: it said itself that it takes no orders now. True: it is closed from now on. */
bool executor_unreachable(struct executor *executor, uint32_t container, bool refused, uint64_t now_ms);

/* ---- actions ---- */
/* What fell due by now: retries. Before executor_take. */
void executor_wake(struct executor *executor, uint64_t now_ms);
/* Takes up to max orders for this container, drops first; they are under way from now on. */
uint32_t executor_take(struct executor *executor, uint32_t container, uint64_t now_ms, uint32_t max,
        struct executor_order *ret_orders);
/* This container was not reached, is due again, and has no order that would show whether it is back: ask it something harmless. */
bool executor_probe(const struct executor *executor, uint32_t container, uint64_t now_ms);
/* When executor_wake, executor_take or executor_probe has something to do again; UINT64_MAX: never, unless something happens. */
uint64_t executor_due_ms(const struct executor *executor, uint64_t now_ms);

/* ---- questions ---- */
/* The owner that a planner should count with: the holder, or the one that the shard is on its way to. A number, EXECUTOR_AWAY (it was with
 * one that is no more) or EXECUTOR_NONE. */
uint32_t executor_owner(const struct executor *executor, uint32_t shard);
uint32_t executor_wanted(const struct executor *executor, uint32_t shard);
uint32_t executor_holder(
        const struct executor *executor, uint32_t shard); /* of the claim, as told by executor_claimed */
/* Claimed by the one that is wanted, and ready; or free and wanted by nobody. */
bool executor_settled(const struct executor *executor, uint32_t shard);
/* It refused although it was reached before, or was not reached EXECUTOR_CLOSED_AFTER times in a row: it should get nothing new until it is
 * reached again. */
bool executor_closed(const struct executor *executor, uint32_t container);
bool executor_failing(const struct executor *executor, uint32_t container); /* not reached at the last try */

#endif
