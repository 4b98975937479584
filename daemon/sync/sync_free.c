/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Groups in a list, found by container; in each the claims that wait and those under way, found by shard.
 */
#include "sync_free.h"

#include "sync_hash.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

struct claim {
	struct sync_hash_node node; /* by service, shard, replica */
	struct claim *next, **at;   /* in the group's list; at: what points here */
	struct group *group;
	int64_t mod_revision;
	uint32_t replica;
	char shard[];
};

struct group {
	struct sync_hash_node node; /* by service, container */
	struct group *next, **at;
	struct claim *waiting, *under_way;
	struct clocks seen;
	int64_t incarnation;
	uint64_t recovery_ms;
	uint32_t belief_ms;
	bool present;
	char *container; /* behind service */
	char service[];
};

struct sync_free {
	struct sync_hash claims, groups;
	struct group *list;
	uint64_t pause_ms;       /* the next one */
	uint64_t paused_boot_ns; /* until then */
	bool held;
};

static uint64_t hash_claim(const char *service, const char *shard, uint32_t replica)
{
	return sync_hash_number(sync_hash_text(sync_hash_text(SYNC_HASH_START, service), shard), replica);
}

static uint64_t hash_group(const char *service, const char *container)
{
	return sync_hash_text(sync_hash_text(SYNC_HASH_START, service), container);
}

static struct claim *find_claim(
        const struct sync_free *free_state, const char *service, const char *shard, uint32_t replica)
{
	struct sync_hash_node *node = sync_hash_first(&free_state->claims, hash_claim(service, shard, replica));

	for (; node != NULL; node = sync_hash_next(node)) {
		struct claim *claim = SYNC_HASH_OF(node, struct claim, node);

		if (claim->replica == replica && strcmp(claim->shard, shard) == 0 &&
		        strcmp(claim->group->service, service) == 0)
			return claim;
	}
	return NULL;
}

static bool is_of(const struct group *group, const char *service, const char *container)
{
	return strcmp(group->container, container) == 0 && strcmp(group->service, service) == 0;
}

static struct group *find_group(const struct sync_free *free_state, const struct sync_free_claim *of)
{
	struct sync_hash_node *node = sync_hash_first(&free_state->groups, hash_group(of->service, of->container));

	for (; node != NULL; node = sync_hash_next(node)) {
		struct group *group = SYNC_HASH_OF(node, struct group, node);

		if (group->incarnation == of->incarnation && group->belief_ms == of->belief_ms &&
		        is_of(group, of->service, of->container))
			return group;
	}
	return NULL;
}

static struct group *add_group(struct sync_free *free_state, const struct sync_free_claim *of)
{
	size_t service_bytes = strlen(of->service) + 1, container_bytes = strlen(of->container) + 1;
	struct group *group = calloc(1, sizeof(*group) + service_bytes + container_bytes);

	if (group == NULL)
		return NULL;
	group->container = group->service + service_bytes;
	memcpy(group->service, of->service, service_bytes);
	memcpy(group->container, of->container, container_bytes);
	group->incarnation = of->incarnation;
	group->belief_ms = of->belief_ms;
	if (sync_hash_add(&free_state->groups, &group->node, hash_group(of->service, of->container)) != 0) {
		free(group);
		return NULL;
	}
	group->next = free_state->list;
	group->at = &free_state->list;
	if (group->next != NULL)
		group->next->at = &group->next;
	free_state->list = group;
	return group;
}

static void remove_group(struct sync_free *free_state, struct group *group)
{
	sync_hash_remove(&free_state->groups, &group->node);
	*group->at = group->next;
	if (group->next != NULL)
		group->next->at = group->at;
	free(group);
}

static void link_claim(struct claim *claim, struct claim **list)
{
	claim->next = *list;
	claim->at = list;
	if (claim->next != NULL)
		claim->next->at = &claim->next;
	*list = claim;
}

static void unlink_claim(struct claim *claim)
{
	*claim->at = claim->next;
	if (claim->next != NULL)
		claim->next->at = claim->at;
}

struct sync_free *sync_free_new(void)
{
	struct sync_free *free_state = calloc(1, sizeof(*free_state));

	if (free_state != NULL)
		free_state->pause_ms = SYNC_FREE_PAUSE_MS;
	return free_state;
}

void sync_free_clear(struct sync_free *free_state)
{
	struct sync_hash_node *node;
	size_t cursor = 0;

	while ((node = sync_hash_pop(&free_state->claims, &cursor)) != NULL)
		free(SYNC_HASH_OF(node, struct claim, node));
	while (free_state->list != NULL)
		remove_group(free_state, free_state->list);
}

void sync_free_free(struct sync_free *free_state)
{
	if (free_state == NULL)
		return;
	sync_free_clear(free_state);
	sync_hash_done(&free_state->claims);
	sync_hash_done(&free_state->groups);
	free(free_state);
}

int sync_free_gone(struct sync_free *free_state, const struct sync_free_claim *of, struct clocks seen, bool present,
        uint64_t recovery_ms)
{
	struct group *group = find_group(free_state, of);
	size_t shard_bytes = strlen(of->shard) + 1;
	struct claim *claim = malloc(sizeof(*claim) + shard_bytes);

	if (claim == NULL)
		return SM_ENOMEM;
	memcpy(claim->shard, of->shard, shard_bytes);
	claim->replica = of->replica;
	claim->mod_revision = of->mod_revision;
	if (sync_hash_add(&free_state->claims, &claim->node, hash_claim(of->service, of->shard, of->replica)) != 0) {
		free(claim);
		return SM_ENOMEM;
	}
	if (group == NULL) {
		group = add_group(free_state, of);
		if (group == NULL) {
			sync_hash_remove(&free_state->claims, &claim->node);
			free(claim);
			return SM_ENOMEM;
		}
		group->seen = seen;
	}
	group->present = present;
	group->recovery_ms = recovery_ms;
	claim->group = group;
	link_claim(claim, &group->waiting);
	return 0;
}

void sync_free_present(struct sync_free *free_state, const char *service, const char *container, bool present)
{
	struct sync_hash_node *node = sync_hash_first(&free_state->groups, hash_group(service, container));

	for (; node != NULL; node = sync_hash_next(node)) {
		struct group *group = SYNC_HASH_OF(node, struct group, node);

		if (is_of(group, service, container))
			group->present = present;
	}
}

void sync_free_recovery(struct sync_free *free_state, const char *service, uint64_t recovery_ms)
{
	for (struct group *group = free_state->list; group != NULL; group = group->next)
		if (strcmp(group->service, service) == 0)
			group->recovery_ms = recovery_ms;
}

bool sync_free_names(const struct sync_free *free_state, int64_t incarnation)
{
	for (const struct group *group = free_state->list; group != NULL; group = group->next)
		if (group->incarnation == incarnation)
			return true;
	return false;
}

int64_t sync_free_cleared(struct sync_free *free_state, const char *service, const char *shard, uint32_t replica)
{
	struct claim *claim = find_claim(free_state, service, shard, replica);
	struct group *group;
	int64_t incarnation;

	if (claim == NULL)
		return 0;
	group = claim->group;
	unlink_claim(claim);
	sync_hash_remove(&free_state->claims, &claim->node);
	free(claim);
	if (group->waiting != NULL || group->under_way != NULL)
		return 0;
	incarnation = group->incarnation;
	remove_group(free_state, group);
	return sync_free_names(free_state, incarnation) ? 0 : incarnation;
}

void sync_free_hold(struct sync_free *free_state, bool held)
{
	free_state->held = held;
}

static struct clocks due_of(const struct group *group)
{
	uint64_t wait_ms = clocks_lock_delay_ms(group->belief_ms) + (group->present ? 0 : group->recovery_ms);

	return clocks_after(group->seen, wait_ms * 1000000u);
}

size_t sync_free_take(struct sync_free *free_state, struct clocks now, struct sync_free_claim *ret_claims, size_t max)
{
	size_t count = 0;

	if (free_state->held || now.boot_ns < free_state->paused_boot_ns)
		return 0;
	for (struct group *group = free_state->list; group != NULL && count < max; group = group->next) {
		if (group->waiting == NULL || !clocks_passed_both(now, due_of(group)))
			continue;
		while (group->waiting != NULL && count < max) {
			struct claim *claim = group->waiting;

			unlink_claim(claim);
			link_claim(claim, &group->under_way);
			ret_claims[count++] = (struct sync_free_claim){ .service = group->service,
				.shard = claim->shard,
				.container = group->container,
				.replica = claim->replica,
				.belief_ms = group->belief_ms,
				.incarnation = group->incarnation,
				.mod_revision = claim->mod_revision };
		}
	}
	return count;
}

void sync_free_again(struct sync_free *free_state, const struct sync_free_claim *of, struct clocks now)
{
	struct claim *claim = find_claim(free_state, of->service, of->shard, of->replica);

	if (claim == NULL || claim->mod_revision != of->mod_revision)
		return;
	unlink_claim(claim);
	link_claim(claim, &claim->group->waiting);
	if (now.boot_ns < free_state->paused_boot_ns)
		return;
	free_state->paused_boot_ns = now.boot_ns + free_state->pause_ms * 1000000u;
	free_state->pause_ms *= 2;
	if (free_state->pause_ms > SYNC_FREE_PAUSE_MAX_MS)
		free_state->pause_ms = SYNC_FREE_PAUSE_MAX_MS;
}

void sync_free_answered(struct sync_free *free_state)
{
	free_state->pause_ms = SYNC_FREE_PAUSE_MS;
}

static uint64_t left(uint64_t now, uint64_t then)
{
	return then > now ? then - now : 0;
}

bool sync_free_next(const struct sync_free *free_state, struct clocks now, uint64_t *ret_ns)
{
	uint64_t least = UINT64_MAX, pause = left(now.boot_ns, free_state->paused_boot_ns);

	if (free_state->held)
		return false;
	for (const struct group *group = free_state->list; group != NULL; group = group->next) {
		struct clocks due = due_of(group);
		uint64_t boot = left(now.boot_ns, due.boot_ns), raw = left(now.raw_ns, due.raw_ns);
		uint64_t wait = boot > raw ? boot : raw;

		if (group->waiting != NULL && wait < least)
			least = wait;
	}
	if (least == UINT64_MAX)
		return false;
	*ret_ns = least > pause ? least : pause;
	return true;
}

bool sync_free_has(const struct sync_free *free_state, const struct sync_free_claim *of)
{
	const struct claim *claim = find_claim(free_state, of->service, of->shard, of->replica);

	return claim != NULL && claim->mod_revision == of->mod_revision;
}

size_t sync_free_count(const struct sync_free *free_state)
{
	return free_state->claims.count;
}
