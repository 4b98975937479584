/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The paths under /sm/admin: from requests to orders, and from ended orders to answers.
 */
#ifndef CONTAINER_ADMIN_H
#define CONTAINER_ADMIN_H

#include "container_http.h"
#include "container_orders.h"

struct container_admin;

struct container_admin_handler {
	/* May orders be taken now? false: *ret_state, static, says what the container is doing instead. */
	bool (*open)(void *arg, const char **ret_state);
	/* Carry it out; container_admin_ended follows exactly once, perhaps from inside. */
	void (*order)(void *arg, struct container_order *order);
	/* For health: state's name, and how many shards there are. */
	const char *(*health)(void *arg, size_t *ret_shards);
};

/* target is borrowed; takes the listening descriptor over, also on failure. SM_ENOMEM, SM_ESYSTEM. */
int container_admin_new(struct event_base *base, int fd, const struct container_orders_target *target,
        const struct container_admin_handler *handler, void *arg, struct container_admin **ret_admin);

/* Afterwards nobody may end an order of it any more. */
void container_admin_free(struct container_admin *admin);

void container_admin_ended(
        struct container_admin *admin, struct container_order *order, int code, const char *error, uint64_t token);

#endif
