/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The client: made, ended, and what it is made of.
 */
#include "etcd_client.h"

#include "shardmgr.h"

#include <stdlib.h>

#define TIMEOUT_MS 5000u
#define CONNECTIONS 4u
#define WATCH_INTERVAL_MS 2000u
#define WATCH_PATIENCE_MS 3000u

struct etcd {
	struct etcd_parts parts;
	struct etcd_calls *calls;
	TAILQ_HEAD(, etcd_client_guest) guests;
};

struct etcd_calls *etcd_client_calls(const struct etcd *etcd)
{
	return etcd->calls;
}

struct etcd_parts *etcd_client_parts(struct etcd *etcd)
{
	return &etcd->parts;
}

void etcd_client_enter(struct etcd *etcd, struct etcd_client_guest *guest)
{
	TAILQ_INSERT_TAIL(&etcd->guests, guest, next);
}

void etcd_client_leave(struct etcd *etcd, struct etcd_client_guest *guest)
{
	TAILQ_REMOVE(&etcd->guests, guest, next);
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

static int set_up(struct etcd *etcd, const struct etcd_config *config, struct why *why)
{
	struct etcd_transfer_tls tls = { (char *)config->ca_file, (char *)config->cert_file, (char *)config->key_file };
	struct etcd_parts *parts = &etcd->parts;
	bool secure = config->ca_file || config->cert_file;
	int error = etcd_endpoints_init(&parts->endpoints, config->endpoints, config->endpoint_count, secure, why);

	if (error)
		return error;
	error = etcd_http_new(parts->base, &tls, &parts->http);
	if (!error)
		error = etcd_auth_new(parts->http, &parts->endpoints, config->username, config->password,
		        parts->timeout_ms, &parts->auth);
	if (!error)
		etcd->calls = etcd_call_queue_new(parts);
	return etcd->calls ? 0 : why_set(why, SM_ENOMEM, "out of memory");
}

int etcd_new(struct event_base *base, const struct etcd_config *config, struct etcd **ret_etcd, struct why *why)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	int error;

	if (!etcd)
		return why_set(why, SM_ENOMEM, "out of memory");
	etcd->parts.base = base;
	etcd->parts.timeout_ms = or_default(config->timeout_ms, TIMEOUT_MS);
	etcd->parts.separate_connections = config->separate_connections;
	etcd->parts.connections = or_default(config->connections, CONNECTIONS);
	etcd->parts.watch_interval_ms = or_default(config->watch_interval_ms, WATCH_INTERVAL_MS);
	etcd->parts.watch_patience_ms = or_default(config->watch_patience_ms, WATCH_PATIENCE_MS);
	TAILQ_INIT(&etcd->guests);
	error = set_up(etcd, config, why);
	if (error) {
		etcd_free(etcd);
		return error;
	}
	*ret_etcd = etcd;
	return 0;
}

void etcd_free(struct etcd *etcd)
{
	struct etcd_client_guest *guest;

	if (!etcd)
		return;
	while ((guest = TAILQ_FIRST(&etcd->guests)))
		guest->end(guest);
	etcd_call_queue_free(etcd->calls);
	etcd_auth_free(etcd->parts.auth);
	etcd_http_free(etcd->parts.http);
	etcd_endpoints_done(&etcd->parts.endpoints);
	free(etcd);
}

void etcd_cancel(struct etcd_call *call)
{
	etcd_call_cancel(call);
}
