/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The executor's lists: every shard is in at most one of them. Doubly linked by number in one array, so that entering and leaving
 * cost the same small amount and need no memory.
 */
#ifndef EXECUTOR_QUEUE_H
#define EXECUTOR_QUEUE_H

#include <stdint.h>

#define EXECUTOR_QUEUE_NONE UINT32_MAX

struct executor_queue {
	struct executor_queue_node {
		uint32_t before, after, list;
	} * nodes;              /* by shard */
	uint32_t *first, *last; /* by list */
	uint32_t list_count;
};

int executor_queue_init(struct executor_queue *queue, uint32_t list_count, uint32_t shard_count); /* SM_ENOMEM */
void executor_queue_done(struct executor_queue *queue);
/* Puts the shard at the end of that list, out of the one where it was; EXECUTOR_QUEUE_NONE: into none. A no-op where it is there already. */
void executor_queue_put(struct executor_queue *queue, uint32_t list, uint32_t shard);
uint32_t executor_queue_first(const struct executor_queue *queue, uint32_t list); /* EXECUTOR_QUEUE_NONE: empty */
uint32_t executor_queue_list(const struct executor_queue *queue, uint32_t shard); /* where it is */

#endif
