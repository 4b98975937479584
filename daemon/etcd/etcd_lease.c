/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Leases: grant, one keepalive per request, revoke.
 */
#include "etcd_client.h"
#include "shardmgr.h"

struct lease {
	struct etcd_call call;
	etcd_lease_fn *user;
	void *arg;
	int64_t id, ttl_s;
};

static int read_lease(struct lease *lease, const json_t *answer, struct why *why)
{
	struct etcd_header header;
	int64_t id, ttl_s;

	if (etcd_json_header(answer, &header) || etcd_json_int64(answer, "ID", &id) ||
	        etcd_json_int64(answer, "TTL", &ttl_s) || id == 0 || (lease->id && id != lease->id))
		return why_set(why, SM_EPROTO, "etcd's answer about a lease makes no sense");
	lease->id = id;
	lease->ttl_s = ttl_s;
	return 0;
}

static int grant_decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct lease *lease = (struct lease *)call;
	int error = read_lease(lease, answer, why);

	if (!error && lease->ttl_s <= 0)
		return why_set(why, SM_EPROTO, "etcd granted a lease without a time to live");
	return error;
}

static int keepalive_decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct lease *lease = (struct lease *)call;
	const json_t *result = json_object_get(answer, "result");
	int error;

	if (!json_is_object(result))
		return why_set(why, SM_EPROTO, "etcd's answer to a keepalive has no result");
	error = read_lease(lease, result, why);
	if (!error && lease->ttl_s <= 0)
		return why_set(why, SM_ENOENT, "the lease is gone");
	return error;
}

static int revoke_decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct etcd_header header;

	(void)call;
	if (etcd_json_header(answer, &header))
		return why_set(why, SM_EPROTO, "etcd's answer to a revoke has no proper header");
	return 0;
}

static void finish(struct etcd_call *call, int error, const char *why)
{
	struct lease *lease = (struct lease *)call;

	lease->user(lease->arg, error, why, lease->id, error ? 0 : lease->ttl_s);
}

static void revoke_finish(struct etcd_call *call, int error, const char *why)
{
	finish(call, error == SM_ENOENT ? 0 : error, why);
}

static const struct etcd_call_kind grant_kind = { "/v3/lease/grant", ETCD_CALL_ONCE, grant_decode, finish, NULL };
static const struct etcd_call_kind keepalive_kind = { "/v3/lease/keepalive", ETCD_CALL_REPEAT, keepalive_decode, finish,
	NULL };
static const struct etcd_call_kind revoke_kind = { "/v3/lease/revoke", ETCD_CALL_SETTLE, revoke_decode, revoke_finish,
	NULL };

static struct etcd_call *ask(struct etcd *etcd, const struct etcd_call_kind *kind, const char *name, int64_t number,
        int64_t id, etcd_lease_fn *done, void *arg)
{
	struct lease *lease = (struct lease *)etcd_call_new(etcd_client_calls(etcd), kind, sizeof(*lease));

	if (!lease)
		return NULL;
	lease->user = done;
	lease->arg = arg;
	lease->id = id;
	etcd_text_add(&lease->call.body, "{\"");
	etcd_text_add(&lease->call.body, name);
	etcd_text_add(&lease->call.body, "\":");
	etcd_text_add_number(&lease->call.body, number);
	etcd_text_add(&lease->call.body, "}");
	return etcd_call_submit(&lease->call);
}

struct etcd_call *etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, etcd_lease_fn *done, void *arg)
{
	return ask(etcd, &grant_kind, "TTL", ttl_s, 0, done, arg);
}

struct etcd_call *etcd_lease_keepalive(struct etcd *etcd, int64_t lease, etcd_lease_fn *done, void *arg)
{
	return ask(etcd, &keepalive_kind, "ID", lease, lease, done, arg);
}

struct etcd_call *etcd_lease_revoke(struct etcd *etcd, int64_t lease, etcd_lease_fn *done, void *arg)
{
	return ask(etcd, &revoke_kind, "ID", lease, lease, done, arg);
}
