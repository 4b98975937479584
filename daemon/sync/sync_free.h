/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Which claims may be freed, and when: the lock delay. A pure kernel: told what was seen and what time it is, it answers what to do; no
 * clock, no I/O. It knows only claims whose incarnation is gone, grouped by (service, container, incarnation, beliefMs), so
 * it is empty while everybody lives.
 *
 * A claim may be freed when on BOTH clocks  G = clocks_lock_delay_ms(beliefMs)  has passed since the incarnation was first seen gone, and,
 * while the container id is not back, the service's recovery time after that. The transaction that frees it compares that all this is
 * still so; the kernel only keeps from asking too early. Why that is enough: README.md.
 */
#ifndef SYNC_FREE_H
#define SYNC_FREE_H

#include "../common/clocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sync_free;

struct sync_free_claim {
	const char *service, *shard, *container;
	uint32_t replica, belief_ms;
	int64_t incarnation, mod_revision;
};

struct sync_free *sync_free_new(void); /* NULL: out of memory */
void sync_free_free(struct sync_free *free_state);
void sync_free_clear(struct sync_free *free_state);

/* ---- events ---- */
/* The shard's record names an incarnation of which no session key is left, first seen gone at seen. Clear what is known of the shard
 * before. present, recovery_ms: as in the next two. SM_ENOMEM. */
int sync_free_gone(struct sync_free *free_state, const struct sync_free_claim *claim, struct clocks seen, bool present,
        uint64_t recovery_ms);
/* The container id has a session again (of another incarnation), or has none. */
void sync_free_present(struct sync_free *free_state, const char *service, const char *container, bool present);
/* How long claims of this service wait for their container's return, on top of the lock delay. */
void sync_free_recovery(struct sync_free *free_state, const char *service, uint64_t recovery_ms);
/* The shard's record is removed, or changed. The incarnation that no claim names any more because of that, else 0. */
int64_t sync_free_cleared(struct sync_free *free_state, const char *service, const char *shard, uint32_t replica);
/* Nothing is due while held: the store's revisions cannot be trusted. */
void sync_free_hold(struct sync_free *free_state, bool held);

/* ---- actions ---- */
/* Takes up to max claims that may be freed now; each is then under way until settled, changed or cleared. Texts are valid until the next
 * event. */
size_t sync_free_take(struct sync_free *free_state, struct clocks now, struct sync_free_claim *ret_claims, size_t max);
/* Nothing happened to this claim, or nobody knows: due again, after a pause that grows from SYNC_FREE_PAUSE_MS. One that was freed, or that
 * was found changed, is left to the watch. Ignored when the claim has changed meanwhile. */
#define SYNC_FREE_PAUSE_MS 200u
#define SYNC_FREE_PAUSE_MAX_MS 5000u
void sync_free_again(struct sync_free *free_state, const struct sync_free_claim *claim, struct clocks now);
/* A transaction was answered: the next pause is a short one. */
void sync_free_answered(struct sync_free *free_state);
/* How long until the next claim is due, 0 now. false: none is waiting. */
bool sync_free_next(const struct sync_free *free_state, struct clocks now, uint64_t *ret_ns);
/* Is the shard's claim known to be gone, with this mod_revision? Does any claim known to be gone name this incarnation? */
bool sync_free_has(const struct sync_free *free_state, const struct sync_free_claim *claim);
bool sync_free_names(const struct sync_free *free_state, int64_t incarnation);
size_t sync_free_count(const struct sync_free *free_state); /* claims known to be gone */

#endif
