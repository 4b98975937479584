/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The lock-free table behind sm_shard_held. All shared words are sequentially consistent: loads cost the same on the machines that
 * matter, and the argument in the header then needs no reordering to be thought of.
 */
#include "container_held.h"

#include "shardmgr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#define MAGIC UINT64_C(0x736d68656c643031)
#define FIRST_SLOTS 64u

struct slot {
	_Atomic uint64_t fingerprint[2], token, sequence; /* fingerprint 0, 0: never used */
};

struct table {
	struct table *older;
	size_t mask;
	size_t used; /* slots with a fingerprint */
	struct slot slots[];
};

/* Alone in its mapping, so that a fork wipes it. */
struct page {
	_Atomic uint64_t magic, epoch, boot_ns, raw_ns;
	_Atomic(struct table *) table;
};

struct container_held {
	struct page *page;
	struct hash_key key;
	pthread_mutex_t writers;
	struct table *newest; /* as page->table, and still there in a child */
};

static struct table *table_new(size_t slots, struct table *older)
{
	struct table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);

	if (table) {
		table->older = older;
		table->mask = slots - 1;
	}
	return table;
}

static int page_new(struct page **ret_page)
{
	struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return SM_ENOMEM;
	if (madvise(page, sizeof *page, MADV_WIPEONFORK) != 0) {
		munmap(page, sizeof *page);
		return SM_ESYSTEM;
	}
	*ret_page = page;
	return 0;
}

int container_held_new(struct container_held **ret_held)
{
	struct container_held *held = calloc(1, sizeof *held);
	int error = SM_ENOMEM;

	if (!held)
		return SM_ENOMEM;
	error = page_new(&held->page);
	if (error)
		goto out;
	error = SM_ESYSTEM;
	if (getrandom(&held->key, sizeof held->key, 0) != sizeof held->key)
		goto out;
	error = SM_ENOMEM;
	held->newest = table_new(FIRST_SLOTS, NULL);
	if (!held->newest)
		goto out;
	pthread_mutex_init(&held->writers, NULL);
	atomic_store(&held->page->table, held->newest);
	atomic_store(&held->page->magic, MAGIC);
	*ret_held = held;
	return 0;
out:
	if (held->page)
		munmap(held->page, sizeof *held->page);
	free(held);
	return error;
}

void container_held_free(struct container_held *held)
{
	if (!held)
		return;
	for (struct table *table = held->newest, *older; table; table = older) {
		older = table->older;
		free(table);
	}
	munmap(held->page, sizeof *held->page);
	free(held);
}

size_t container_held_bytes(const struct container_held *held)
{
	size_t bytes = 0;

	for (const struct table *table = held->newest; table; table = table->older)
		bytes += sizeof *table + (table->mask + 1) * sizeof table->slots[0];
	return bytes;
}

bool container_held_forked(const struct container_held *held)
{
	return atomic_load(&held->page->magic) != MAGIC;
}

struct hash container_held_key(const struct container_held *held, const char *shard, uint32_t replica)
{
	struct hash key = hash_shard(&held->key, shard, replica);

	if (key.word[0] == 0 && key.word[1] == 0)
		key.word[1] = 1;
	return key;
}

static bool slot_is(const struct slot *slot, const struct hash *key)
{
	return atomic_load(&slot->fingerprint[0]) == key->word[0] && atomic_load(&slot->fingerprint[1]) == key->word[1];
}

static bool slot_is_empty(const struct slot *slot)
{
	static const struct hash none;

	return slot_is(slot, &none);
}

static uint64_t token_in(const struct table *table, const struct hash *key)
{
	for (size_t i = key->word[0] & table->mask;; i = (i + 1) & table->mask) {
		const struct slot *slot = &table->slots[i];
		uint64_t sequence = atomic_load(&slot->sequence);
		if (slot_is(slot, key)) {
			uint64_t token = atomic_load(&slot->token);
			return atomic_load(&slot->sequence) == sequence ? token : 0;
		}
		if (slot_is_empty(slot))
			return 0;
	}
}

uint64_t container_held_get(const struct container_held *held, const char *shard, uint32_t replica)
{
	const struct page *page = held->page;
	uint64_t epoch = atomic_load(&page->epoch), token;
	struct hash key = container_held_key(held, shard, replica);
	const struct table *table;

	/* An old table is not kept up to date: what it said counts only if it was still the published one afterwards. */
	do {
		table = atomic_load(&page->table);
		token = table ? token_in(table, &key) : 0;
	} while (table != atomic_load(&page->table));
	if (token == 0)
		return 0;
	struct clocks deadline = { .boot_ns = atomic_load(&page->boot_ns), .raw_ns = atomic_load(&page->raw_ns) };
	if (atomic_load(&page->epoch) != epoch)
		return 0;
	/* Last, so that the answer is true at the latest moment that this call can see. */
	return clocks_passed_either(clocks_now(), deadline) ? 0 : token;
}

/* Where key is; else where it may go: the first slot of its chain whose token is gone, else the empty one at its end. */
static struct slot *slot_for(struct table *table, const struct hash *key)
{
	struct slot *vacant = NULL;

	for (size_t i = key->word[0] & table->mask;; i = (i + 1) & table->mask) {
		struct slot *slot = &table->slots[i];
		if (slot_is(slot, key))
			return slot;
		if (slot_is_empty(slot))
			return vacant ? vacant : slot;
		if (!vacant && atomic_load(&slot->token) == 0)
			vacant = slot;
	}
}

static void rename_slot(struct table *table, struct slot *slot, const struct hash *key)
{
	table->used -= !slot_is_empty(slot);
	atomic_store(&slot->fingerprint[0], key->word[0]);
	atomic_store(&slot->fingerprint[1], key->word[1]);
	table->used += !slot_is_empty(slot);
	/* After the fingerprint and before any token: who matched the old one and reads a new token sees this change. */
	atomic_fetch_add(&slot->sequence, 1);
}

static void put(struct table *table, const struct hash *key, uint64_t token)
{
	struct slot *slot = slot_for(table, key);

	if (!slot_is(slot, key))
		rename_slot(table, slot, key);
	atomic_store(&slot->token, token);
}

/* Gives back the slots without a token that end a chain, so that ids that come and go do not fill the table. */
static void trim(struct table *table, const struct hash *key)
{
	static const struct hash none;
	size_t i = (size_t)(slot_for(table, key) - table->slots);

	if (!slot_is_empty(&table->slots[(i + 1) & table->mask]))
		return;
	while (!slot_is_empty(&table->slots[i]) && atomic_load(&table->slots[i].token) == 0) {
		rename_slot(table, &table->slots[i], &none);
		i = (i - 1) & table->mask;
	}
}

/* Room for one more: at most half of the slots used, so that every chain ends. */
static int make_room(struct container_held *held)
{
	struct table *old = held->newest;

	if ((old->used + 1) * 2 <= old->mask + 1)
		return 0;
	struct table *table = table_new((old->mask + 1) * 2, old);
	if (!table)
		return SM_ENOMEM;
	for (size_t i = 0; i <= old->mask; i++) {
		struct slot *slot = &old->slots[i];
		struct hash key = { { atomic_load(&slot->fingerprint[0]), atomic_load(&slot->fingerprint[1]) } };
		uint64_t token = atomic_load(&slot->token);
		if (token != 0)
			put(table, &key, token);
	}
	held->newest = table;
	atomic_store(&held->page->table, table);
	return 0;
}

int container_held_set(struct container_held *held, const struct hash *key, uint64_t token)
{
	int error = 0;

	pthread_mutex_lock(&held->writers);
	struct slot *slot = slot_for(held->newest, key);
	bool there = slot_is(slot, key);
	if (token != 0 && !there && slot_is_empty(slot))
		error = make_room(held);
	if (!error && (token != 0 || there))
		put(held->newest, key, token);
	if (token == 0 && there)
		trim(held->newest, key);
	pthread_mutex_unlock(&held->writers);
	return error;
}

void container_held_extend(struct container_held *held, struct clocks deadline)
{
	atomic_store(&held->page->boot_ns, deadline.boot_ns);
	atomic_store(&held->page->raw_ns, deadline.raw_ns);
}

void container_held_end(struct container_held *held)
{
	pthread_mutex_lock(&held->writers);
	atomic_store(&held->page->boot_ns, 0);
	atomic_store(&held->page->raw_ns, 0);
	for (size_t i = 0; i <= held->newest->mask; i++)
		atomic_store(&held->newest->slots[i].token, 0);
	/* After the tokens: who sees the new epoch from the start sees none of the old tokens. */
	atomic_fetch_add(&held->page->epoch, 1);
	pthread_mutex_unlock(&held->writers);
}
