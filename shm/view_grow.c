/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_grow.h"

#include "shardmgr.h"
#include "view_head.h"
#include "view_move.h"

#include <stdlib.h>
#include <sys/random.h>

/* With 64-bit fingerprints a second try is already once in a lifetime. */
#define SEED_TRIES 100
#define ROOM_TRIES 4

/* Makes a segment and moves everything into it; with another seed when two keys collide. */
static int moved(struct view_writer *writer, struct view_store *ret_store)
{
	struct view_size size = view_store_size_grown(&writer->store);
	int error = VIEW_COLLISION;
	for (int tries = 0; error == VIEW_COLLISION && tries < SEED_TRIES; tries++) {
		uint64_t seed, number = writer->last_number + 1;
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			return SM_ESYSTEM;
		error = view_store_create(ret_store, writer->dir, number, seed, &size);
		if (error)
			return error;
		error = view_move(&writer->store.view, ret_store);
		if (error) {
			view_store_close(ret_store);
			view_head_unlink(writer->dir, number);
		}
	}
	return error;
}

int view_grow_move(struct view_writer *writer)
{
	struct view_retired *retired = malloc(sizeof(*retired));
	struct view_store next;
	if (!retired)
		return SM_ENOMEM;
	int error = moved(writer, &next);
	if (error) {
		free(retired);
		return error;
	}
	bool pending = view_writer_pending(writer);
	if (pending)
		view_head_unlink(writer->dir, writer->store.view.number);
	*retired = (struct view_retired){ .view = writer->store.view, .next = writer->retired };
	writer->retired = retired;
	writer->store.view.segment = NULL; /* now the retired one's */
	view_store_close(&writer->store);
	writer->store = next;
	writer->last_number = next.view.number;
	if (!pending && !next.view.segment->publishing)
		view_head_publish(writer->head, writer->dir, next.view.number);
	return 0;
}

int view_grow_run(struct view_writer *writer, view_grow_fn *put, const void *arg)
{
	int error = put(writer, arg);
	for (int tries = 0; (error == VIEW_NO_ROOM || error == VIEW_COLLISION) && tries < ROOM_TRIES; tries++) {
		error = view_grow_move(writer);
		if (!error)
			error = put(writer, arg);
	}
	return error == VIEW_NO_ROOM || error == VIEW_COLLISION ? SM_EINVAL : error;
}
