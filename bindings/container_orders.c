/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Orders in JSON.
 */
#include "container_orders.h"

#include "common/orders.h"
#include "common/records.h"
#include "shardmgr.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_object(const char *body, size_t bytes, json_t **ret_object, struct why *why)
{
	json_error_t error;
	json_t *object = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &error);

	if (!object)
		return why_set(why, SM_EINVAL, "the body is not JSON: %s, line %d, column %d", error.text, error.line,
		        error.column);
	if (!json_is_object(object)) {
		json_decref(object);
		return why_set(why, SM_EINVAL, "the body is not a JSON object");
	}
	*ret_object = object;
	return 0;
}

/* What sm-go checks in a spec, and that it is for us. */
static int check_spec(
        const struct container_orders_target *target, const char *id, const struct record_shard *spec, struct why *why)
{
	if (spec->service[0] == '\0')
		return why_set(why, SM_EINVAL, "spec.service is empty");
	if (strcmp(spec->service, target->service) != 0)
		return why_set(why, SM_EINVAL, "spec.service is \"%s\"; this container carries shards of \"%s\"",
		        spec->service, target->service);
	if (spec->id[0] != '\0' && strcmp(spec->id, id) != 0)
		return why_set(why, SM_EINVAL, "spec.id is \"%s\" and id is \"%s\"", spec->id, id);
	if (spec->update_time <= 0)
		return why_set(why, SM_EINVAL, "spec.updateTime is not above 0");
	if (spec->pin[0] != '\0' && strcmp(spec->pin, target->id) != 0)
		return why_set(why, SM_EINVAL, "the shard is pinned to %s; this is %s", spec->pin, target->id);
	if (strlen(spec->task) > KEYS_TASK_BYTES)
		return why_set(why, SM_EINVAL, "spec.task is longer than %u bytes", KEYS_TASK_BYTES);
	return 0;
}

static int take_spec(const struct container_orders_target *target, const json_t *json, struct container_order *order,
        struct why *why)
{
	struct record_shard spec;

	if (!json_is_object(json))
		return why_set(why, SM_EINVAL, "spec is missing or not an object");
	int error = records_shard_from_json(json, &spec, why);
	if (error)
		return error == SM_ENOMEM ? error : SM_EINVAL;
	error = check_spec(target, order->id, &spec, why);
	if (!error) {
		order->task = spec.task;
		spec.task = NULL;
	}
	records_shard_done(&spec);
	return error;
}

static int take_id(const json_t *object, struct container_order *order, struct why *why)
{
	const json_t *id = json_object_get(object, "id"), *replica = json_object_get(object, "replica");

	if (!json_is_string(id))
		return why_set(why, SM_EINVAL, "id is missing or not a string");
	int error = keys_check(KEYS_PART_ID, "id", json_string_value(id), why);
	if (error)
		return error;
	snprintf(order->id, sizeof order->id, "%s", json_string_value(id));
	if (!replica)
		return 0;
	if (!json_is_integer(replica) || json_integer_value(replica) < 0 ||
	        json_integer_value(replica) > KEYS_REPLICA_MAX)
		return why_set(why, SM_EINVAL, "replica is not a number from 0 to %u", KEYS_REPLICA_MAX);
	order->replica = (uint32_t)json_integer_value(replica);
	return 0;
}

static int take_order(const struct container_orders_target *target, const json_t *object, struct container_order *order,
        struct why *why)
{
	const char *op = json_string_value(json_object_get(object, "op"));
	struct why refused = { "" };

	if (!op || (strcmp(op, "add") != 0 && strcmp(op, "drop") != 0))
		return why_set(why, SM_EINVAL, "op is neither \"add\" nor \"drop\"");
	order->add = strcmp(op, "add") == 0;
	int error = take_id(object, order, why);
	if (error || !order->add)
		return error;
	order->code = take_spec(target, json_object_get(object, "spec"), order, &refused);
	if (order->code != 0)
		order->why = strdup(refused.text);
	return 0;
}

static int take_list(const struct container_orders_target *target, const json_t *object,
        struct container_orders *orders, struct why *why)
{
	const char *service = json_string_value(json_object_get(object, "service"));
	const json_t *list = json_object_get(object, "orders");
	struct why inner;

	if (!service || strcmp(service, target->service) != 0)
		return why_set(why, SM_EINVAL, "service is \"%s\"; this container carries shards of \"%s\"",
		        service ? service : "", target->service);
	if (!json_is_array(list) || json_array_size(list) > ORDERS_PER_REQUEST)
		return why_set(why, SM_EINVAL, "orders is not an array of at most %d", ORDERS_PER_REQUEST);
	orders->list = calloc(json_array_size(list) + 1, sizeof *orders->list);
	if (!orders->list)
		return SM_ENOMEM;
	for (; orders->count < json_array_size(list); orders->count++) {
		if (take_order(target, json_array_get(list, orders->count), &orders->list[orders->count], &inner) != 0)
			return why_set(why, SM_EINVAL, "orders[%zu]: %s", orders->count, inner.text);
	}
	return 0;
}

int container_orders_parse(const struct container_orders_target *target, const char *body, size_t bytes,
        struct container_orders *ret_orders, struct why *why)
{
	struct container_orders orders = { 0 };
	json_t *object;
	int error = parse_object(body, bytes, &object, why);

	if (error)
		return error;
	error = take_list(target, object, &orders, why);
	json_decref(object);
	if (error)
		container_orders_done(&orders);
	else
		*ret_orders = orders;
	return error;
}

int container_orders_parse_one(const struct container_orders_target *target, bool add, const char *body, size_t bytes,
        struct container_orders *ret_orders, struct why *why)
{
	struct container_orders orders = { .list = calloc(1, sizeof *orders.list) };
	json_t *object;
	int error = orders.list ? parse_object(body, bytes, &object, why) : SM_ENOMEM;

	if (error) {
		free(orders.list);
		return error;
	}
	orders.count = 1;
	orders.list[0].add = add;
	error = take_id(object, &orders.list[0], why);
	if (!error && add)
		error = take_spec(target, json_object_get(object, "spec"), &orders.list[0], why);
	json_decref(object);
	if (error)
		container_orders_done(&orders);
	else
		*ret_orders = orders;
	return error;
}

void container_orders_done(struct container_orders *orders)
{
	for (size_t i = 0; i < orders->count; i++) {
		free(orders->list[i].task);
		free(orders->list[i].why);
	}
	free(orders->list);
	*orders = (struct container_orders){ 0 };
}

static char *dump(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

/* An application's text need not be UTF-8. */
static json_t *text_of(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(an error text that is not UTF-8)");
}

char *container_orders_print(const struct container_order *order, int code, const char *error, uint64_t token)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, token);
	return dump(json_pack("{s:s,s:s,s:I,s:i,s:o,s:s}", "op", order->add ? "add" : "drop", "id", order->id,
	        "replica", (json_int_t)order->replica, "code", code, "error", text_of(error), "token", digits));
}

char *container_orders_print_error(const char *error)
{
	return dump(json_pack("{s:o}", "error", text_of(error)));
}
