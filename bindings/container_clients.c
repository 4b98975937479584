/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Clients from options, with the time limits that a TTL allows.
 */
#include "container_clients.h"

#include <stdlib.h>

#define TIMEOUT_MOST_MS 5000u /* of one try of a request */
#define WATCH_INTERVAL_MS 10000u

static int open_one(struct event_base *base, struct etcd_config *config, unsigned timeout_ms, struct why *why,
        struct etcd **ret_etcd)
{
	config->timeout_ms = timeout_ms < TIMEOUT_MOST_MS ? timeout_ms : TIMEOUT_MOST_MS;
	return etcd_new(base, config, ret_etcd, why);
}

int container_clients_open(struct event_base *base, struct sm_options *options, struct container_clients *ret_clients)
{
	unsigned ttl_ms = options_ttl_s(options) * 1000u;
	size_t count;
	const char **endpoints = options_endpoints(options, &count);
	int error = endpoints ? 0 : SM_ENOMEM;
	struct etcd_config config = {
		.endpoints = endpoints,
		.endpoint_count = count,
		.username = options_get(options, OPTIONS_USERNAME),
		.password = options_get(options, OPTIONS_PASSWORD),
		.ca_file = options_get(options, OPTIONS_CACERT),
		.cert_file = options_get(options, OPTIONS_CERT),
		.key_file = options_get(options, OPTIONS_KEY),
		.separate_connections = true,
		/* The watch only tells sooner what the next proof tells: that it is alive need not be asked often. */
		.watch_interval_ms = WATCH_INTERVAL_MS,
		.watch_patience_ms = TIMEOUT_MOST_MS,
	};

	/* A try of a renewal takes a sixth of the TTL at most; a transaction may take longer before it counts as unknown. */
	if (!error)
		error = open_one(base, &config, ttl_ms / 2u, &options->why, &ret_clients->work);
	config.connections = 1;
	if (!error)
		error = open_one(base, &config, ttl_ms / 6u, &options->why, &ret_clients->keepalives);
	if (!error)
		error = open_one(base, &config, ttl_ms / 6u, &options->why, &ret_clients->proofs);
	free(endpoints);
	return error;
}

void container_clients_close(struct container_clients *clients)
{
	etcd_free(clients->work);
	etcd_free(clients->keepalives);
	etcd_free(clients->proofs);
}
