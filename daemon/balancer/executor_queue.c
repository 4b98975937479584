/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Intrusive lists over shard numbers.
 */
#include "executor_queue.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

#define NONE EXECUTOR_QUEUE_NONE

int executor_queue_init(struct executor_queue *queue, uint32_t list_count, uint32_t shard_count)
{
	struct executor_queue made = { .list_count = list_count };

	made.nodes = malloc(((size_t)shard_count + 1) * sizeof(*made.nodes));
	made.first = malloc(((size_t)list_count + 1) * sizeof(*made.first));
	made.last = malloc(((size_t)list_count + 1) * sizeof(*made.last));
	if (!made.nodes || !made.first || !made.last) {
		executor_queue_done(&made);
		return SM_ENOMEM;
	}
	memset(made.nodes, 0xff, ((size_t)shard_count + 1) * sizeof(*made.nodes));
	memset(made.first, 0xff, ((size_t)list_count + 1) * sizeof(*made.first));
	memset(made.last, 0xff, ((size_t)list_count + 1) * sizeof(*made.last));
	*queue = made;
	return 0;
}

void executor_queue_done(struct executor_queue *queue)
{
	free(queue->nodes);
	free(queue->first);
	free(queue->last);
	*queue = (struct executor_queue){ 0 };
}

static void take_out(struct executor_queue *queue, uint32_t shard)
{
	struct executor_queue_node *node = &queue->nodes[shard];

	if (node->before == NONE)
		queue->first[node->list] = node->after;
	else
		queue->nodes[node->before].after = node->after;
	if (node->after == NONE)
		queue->last[node->list] = node->before;
	else
		queue->nodes[node->after].before = node->before;
}

void executor_queue_put(struct executor_queue *queue, uint32_t list, uint32_t shard)
{
	struct executor_queue_node *node = &queue->nodes[shard];

	if (node->list == list)
		return;
	if (node->list != NONE)
		take_out(queue, shard);
	*node = (struct executor_queue_node){ .before = NONE, .after = NONE, .list = list };
	if (list == NONE)
		return;
	node->before = queue->last[list];
	if (node->before == NONE)
		queue->first[list] = shard;
	else
		queue->nodes[node->before].after = shard;
	queue->last[list] = shard;
}

uint32_t executor_queue_first(const struct executor_queue *queue, uint32_t list)
{
	return queue->first[list];
}

uint32_t executor_queue_list(const struct executor_queue *queue, uint32_t shard)
{
	return queue->nodes[shard].list;
}
