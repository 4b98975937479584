/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The bodies of the admin endpoints (daemon/common/orders.h, and sm-go's add-shard and drop-shard): parsed and checked, and one line of an
 * answer printed. No I/O.
 */
#ifndef CONTAINER_ORDERS_H
#define CONTAINER_ORDERS_H

#include "common/keys.h"
#include "common/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container_order {
	bool add;
	uint32_t replica;
	char id[KEYS_ID_BYTES + 1];
	char *task;  /* of an add */
	int code;    /* not 0: this order alone is refused, with why */
	char *why;   /* NULL: none */
	void *batch; /* for whoever carries it out */
};

struct container_orders {
	size_t count;
	struct container_order *list;
};

/* For whom the orders must be. */
struct container_orders_target {
	const char *service, *id;
};

/* A batch. SM_EINVAL: all of it is malformed or for another service; SM_ENOMEM. */
int container_orders_parse(const struct container_orders_target *target, const char *body, size_t bytes,
        struct container_orders *ret_orders, struct why *why);

/* sm-go's form: one order. SM_EINVAL for everything that sm-go answers 400. */
int container_orders_parse_one(const struct container_orders_target *target, bool add, const char *body, size_t bytes,
        struct container_orders *ret_orders, struct why *why);

void container_orders_done(struct container_orders *orders);

/* A line of the answer, without the newline; malloc'ed, NULL when out of memory. */
char *container_orders_print(const struct container_order *order, int code, const char *error, uint64_t token);

/* {"error":"…"}; malloc'ed, NULL when out of memory. */
char *container_orders_print_error(const char *error);

#endif
