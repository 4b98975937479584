/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The orders of one request: its body, and which of them have not ended yet. Shards are kept by id here, since their numbers change while
 * the request is under way.
 */
#ifndef BALANCER_BATCH_H
#define BALANCER_BATCH_H

#include "balancer_lines.h"
#include "balancer_shards.h"

struct balancer_batch_order {
	const char *id; /* in texts */
	uint32_t replica, sequence;
	enum executor_op op;
	bool ended;
};
struct balancer_batch {
	struct balancer_batch_order *orders; /* sorted by id and replica once sealed */
	uint32_t count, room;
	size_t body_bytes; /* about */
	char *texts;
	void *json; /* the body so far */
};

void balancer_batch_init(struct balancer_batch *batch, const char *service);
void balancer_batch_done(struct balancer_batch *batch);
void balancer_batch_add(struct balancer_batch *batch, const struct view *view, const struct balancer_shard *shard,
        const struct executor_order *order);
/* No more orders; the body, which is the caller's to free. */
char *balancer_batch_seal(struct balancer_batch *batch);
/* The order that this line answers, marked as ended; NULL: none of these, or ended already. */
const struct balancer_batch_order *balancer_batch_end(struct balancer_batch *batch, const struct balancer_line *line);

#endif
