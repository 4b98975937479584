/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The shards of one service, configured or only claimed, as a dense array in the order of their ids and replicas.
 */
#ifndef BALANCER_SHARDS_H
#define BALANCER_SHARDS_H

#include "balancer_names.h"
#include "view_reader.h"

#define BALANCER_SHARDS_NONE UINT32_MAX

struct balancer_shard {
	const char *id; /* ours, valid until balancer_shards_done */
	uint32_t replica;
	uint32_t row;                      /* in the view */
	uint32_t group, worker_group, pin; /* numbers in names */
	bool configured;
	uint8_t cause;     /* enum planner_cause of its move or placement under way; 0 none */
	uint64_t since_ms; /* when that was decided */
};
struct balancer_shards {
	struct balancer_shard *items;
	uint32_t count;
	struct balancer_names names;
	char *texts; /* the ids */
};

void balancer_shards_init(struct balancer_shards *shards); /* none */
void balancer_shards_read(const struct view *view, uint32_t service, struct balancer_shards *ret_shards);
void balancer_shards_done(struct balancer_shards *shards);
uint32_t balancer_shards_find(const struct balancer_shards *shards, const char *id, uint32_t replica);
/* ret_was[new] = the index that it had in were, or NONE; moves under way are carried over. */
void balancer_shards_match(const struct balancer_shards *were, struct balancer_shards *are, uint32_t *ret_was);

#endif
