/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_grow.h"
#include "view_index.h"
#include "view_make.h"
#include "view_note.h"

#include <assert.h>

struct put {
	const char *service, *shard;
	uint32_t replica;
	struct view_claim claim;
};

/* The words of the row that a claim becomes; claim 0: none. */
struct words {
	uint32_t term;
	uint64_t claim, claim_mod;
};

static void count_container(struct view *view, uint64_t claim, int change)
{
	if (claim) {
		struct view_container_row *row = &view->containers[(claim & VIEW_CONTAINER_MAX) - 1];
		row->claim_count += (uint64_t)change;
	}
}

/* Counts of the service and what the shard's slot says when it has no ready owner. */
static uint64_t count_shard(struct view_store *store, uint32_t shard, bool claimed)
{
	struct view_shard_row *row = &store->view.shards[shard];
	struct view_service_row *service = &store->view.services[row->service];
	bool exists = row->spec & VIEW_ROW_EXISTS;
	if (claimed != (row->claim != 0)) {
		VIEW_STORE(&service->claim_count, claimed ? service->claim_count + 1 : service->claim_count - 1);
		if (!exists)
			view_make_shard_live(store, shard, claimed);
	}
	return exists || claimed ? 0 : view_index_tag_owner(VIEW_TAG_REMOVED);
}

static void set_claim(struct view_store *store, uint32_t slot, const struct words *words, int64_t revision)
{
	struct view *view = &store->view;
	uint32_t shard = view->slot_rows[slot];
	struct view_shard_row *row = &view->shards[shard];
	view_note_touch(view, row->service, false);
	uint64_t unowned = count_shard(store, shard, words->claim != 0);
	count_container(view, row->claim, -1);
	count_container(view, words->claim, 1);
	VIEW_STORE(&row->term, words->term);
	VIEW_STORE(&row->claim_mod, words->claim_mod);
	VIEW_STORE(&row->claim, words->claim);
	VIEW_STORE(&view->slots[slot].owner, words->claim && words->claim_mod & 1 ? words->claim : unowned);
	view_note_ring(view, VIEW_CLAIM, shard, revision);
}

/* Followers of the ring meet no row that they were not told of. */
static void ring_new_rows(struct view *view, uint32_t shard, const bool *made, uint32_t container, int64_t revision)
{
	if (made[0])
		view_note_ring(view, VIEW_SERVICE, view->shards[shard].service, revision);
	if (made[1])
		view_note_ring(view, VIEW_CONTAINER, container, revision);
	if (made[2])
		view_note_ring(view, VIEW_SHARD, shard, revision);
}

static int put_claim(struct view_writer *writer, const void *arg)
{
	const struct put *put = arg;
	const struct view_claim *claim = &put->claim;
	struct view_store *store = &writer->store;
	struct view *view = &store->view;
	uint32_t service, container, slot;
	bool made[3] = { false, false, false };
	struct words words;
	int error = view_make_service(store, put->service, &service, &made[0]);
	if (!error)
		error = view_make_container(store, service, claim->container, &container, &made[1]);
	if (!error)
		error = view_make_term(store, container, claim->incarnation, claim->belief_ms, &words.term);
	if (!error)
		error = view_make_shard(store, service, put->shard, put->replica, &slot, &made[2]);
	if (error)
		return error;
	const struct view_shard_row *row = &view->shards[view->slot_rows[slot]];
	words.claim = claim->token_revision << VIEW_CONTAINER_BITS | (container + 1);
	words.claim_mod = (uint64_t)claim->mod_revision << 1 | claim->ready;
	if (row->claim == words.claim && row->claim_mod == words.claim_mod && row->term == words.term)
		return 0;
	ring_new_rows(view, view->slot_rows[slot], made, container, claim->mod_revision);
	set_claim(store, slot, &words, claim->mod_revision);
	return 0;
}

int view_writer_claim_put(struct view_writer *writer, const char *service, const char *shard, uint32_t replica,
        const struct view_claim *claim)
{
	struct put put = { service, shard, replica, *claim };
	assert(writer->store.view.segment->publishing);
	if (!*service || !*shard || !claim->container || !*claim->container || !view_writer_text_fits(service) ||
	        !view_writer_text_fits(shard) || !view_writer_text_fits(claim->container) ||
	        replica > VIEW_REPLICA_MAX || !view_writer_revision_fits(claim->mod_revision) ||
	        !view_writer_revision_fits((int64_t)claim->token_revision))
		return SM_EINVAL;
	return view_grow_run(writer, put_claim, &put);
}

int view_writer_claim_remove(
        struct view_writer *writer, const char *service, const char *shard, uint32_t replica, int64_t revision)
{
	struct view_key key = {
		.tag = VIEW_TAG_SHARD, .service = service, .name = shard, .container = "", .replica = replica
	};
	const struct view *view = &writer->store.view;
	uint32_t slot;
	assert(view->segment->publishing);
	if (view_index_find(view, &key, &slot) != VIEW_FOUND || !view->shards[view->slot_rows[slot]].claim)
		return 0;
	struct words none = { .term = VIEW_NONE };
	set_claim(&writer->store, slot, &none, revision);
	return 0;
}
