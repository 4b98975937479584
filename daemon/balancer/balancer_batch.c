/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Builds the body of a request and finds its orders again.
 */
#include "balancer_batch.h"

#include "balancer_memory.h"
#include "common/keys.h"
#include "common/log.h"
#include "common/records.h"

#include <stdlib.h>
#include <string.h>

#define ORDER_BYTES 320 /* of an add in JSON, without its texts */

void balancer_batch_init(struct balancer_batch *batch, const char *service)
{
	*batch = (struct balancer_batch){ .json = json_pack("{s:s, s:[]}", "service", service, "orders") };
	if (!batch->json)
		fatalx("out of memory for a request of service %s", service);
}

void balancer_batch_done(struct balancer_batch *batch)
{
	json_decref(batch->json);
	free(batch->orders);
	free(batch->texts);
	*batch = (struct balancer_batch){ 0 };
}

/* WHY: others may have written texts of a megabyte, which no request of many orders has room for. A container refuses a task that is only
 * a little too long just as well, and that order alone. Returns text, or *ret_copy, which the caller frees. */
static char *cut(const char *text, size_t most, char **ret_copy)
{
	*ret_copy = NULL;
	if (strlen(text) <= most)
		return (char *)text;
	while (((unsigned char)text[most] & 0xc0) == 0x80)
		most++; /* not within a character */
	*ret_copy = strndup(text, most);
	if (!*ret_copy)
		fatalx("out of memory for an order");
	return *ret_copy;
}

static json_t *print_order(
        const struct view *view, const struct balancer_shard *shard, enum executor_op op, size_t *body_bytes)
{
	json_t *json = json_pack("{s:s, s:s, s:I}", "op", op == EXECUTOR_ADD ? "add" : "drop", "id", shard->id,
	        "replica", (json_int_t)shard->replica);
	struct record_shard record;
	struct view_service service;
	struct view_shard row;
	char *task, *group, *worker_group;

	*body_bytes += ORDER_BYTES;
	if (op == EXECUTOR_DROP)
		return json;
	view_shard_get(view, shard->row, &row);
	view_service_get(view, row.service, &service);
	record = (struct record_shard){ .id = (char *)shard->id,
		.service = (char *)service.name,
		.task = cut(row.task, KEYS_TASK_BYTES + 1, &task),
		.pin = (char *)row.pin,
		.group = cut(row.group, KEYS_ID_BYTES, &group),
		.worker_group = cut(row.worker_group, KEYS_ID_BYTES, &worker_group),
		.update_time = row.update_time,
		.lease_id = row.lease_id,
		.lease_expire = row.lease_expire };
	*body_bytes += strlen(record.task);
	if (json_object_set_new(json, "spec", records_shard_to_json(&record)) < 0) {
		json_decref(json);
		json = NULL;
	}
	free(task);
	free(group);
	free(worker_group);
	return json;
}

void balancer_batch_add(struct balancer_batch *batch, const struct view *view, const struct balancer_shard *shard,
        const struct executor_order *order)
{
	json_t *json = print_order(view, shard, order->op, &batch->body_bytes);

	if (!json || json_array_append_new(json_object_get(batch->json, "orders"), json) < 0)
		fatalx("out of memory for an order of shard %s", shard->id);
	if (batch->count == batch->room) {
		batch->room = batch->room ? batch->room * 2 : 16;
		batch->orders = balancer_memory_resized(batch->orders, batch->room, sizeof(*batch->orders));
	}
	batch->orders[batch->count++] = (struct balancer_batch_order){
		.id = shard->id, .replica = shard->replica, .sequence = order->sequence, .op = order->op
	};
}

static int compare_orders(const void *a, const void *b)
{
	const struct balancer_batch_order *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : x->replica < y->replica ? -1 : x->replica > y->replica;
}

char *balancer_batch_seal(struct balancer_batch *batch)
{
	char *body = json_dumps(batch->json, JSON_COMPACT), *text;
	size_t bytes = 0;

	if (!body)
		fatalx("out of memory for a request");
	json_decref(batch->json);
	batch->json = NULL;
	for (uint32_t i = 0; i < batch->count; i++)
		bytes += strlen(batch->orders[i].id) + 1;
	batch->texts = text = balancer_memory_zeroed(bytes, 1);
	for (uint32_t i = 0; i < batch->count; i++) {
		char *end = stpcpy(text, batch->orders[i].id);

		batch->orders[i].id = text;
		text = end + 1;
	}
	if (batch->count)
		qsort(batch->orders, batch->count, sizeof(*batch->orders), compare_orders);
	return body;
}

const struct balancer_batch_order *balancer_batch_end(struct balancer_batch *batch, const struct balancer_line *line)
{
	struct balancer_batch_order key = { .id = line->id, .replica = line->replica }, *found;

	found = batch->count ? bsearch(&key, batch->orders, batch->count, sizeof(key), compare_orders) : NULL;
	if (!found || found->ended || found->op != line->op)
		return NULL;
	found->ended = true;
	return found;
}
