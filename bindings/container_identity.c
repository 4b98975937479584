/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Names, keys, and whose a record is.
 */
#include "container_identity.h"

#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int container_identity_init(
        struct container_identity *identity, const char *prefix, const char *service, const char *id, struct why *why)
{
	*identity = (struct container_identity){ 0 };
	/* WHY: no key that a container uses has the manager's name in it. */
	int error = keys_init(&identity->keys, prefix, service, why);
	if (!error)
		error = keys_check_address("id", id, false, why);
	if (error)
		return error;
	snprintf(identity->service, sizeof identity->service, "%s", service);
	snprintf(identity->id, sizeof identity->id, "%s", id);
	struct keys_parts store = { .kind = KEYS_STORE };
	error = keys_join(&identity->keys, &store, identity->store_key, why);
	if (!error)
		error = keys_join_prefix(
		        &identity->keys, KEYS_PREFIX_CONTAINER_SESSIONS, service, id, identity->sessions_prefix, why);
	return error;
}

void container_identity_done(struct container_identity *identity)
{
	free(identity->former);
	identity->former = NULL;
}

void container_identity_set_lease(struct container_identity *identity, int64_t lease)
{
	struct keys_parts parts = { .kind = KEYS_SESSION, .lease = lease };

	identity->lease = lease;
	identity->session_key[0] = '\0';
	if (lease <= 0)
		return;
	snprintf(parts.service, sizeof parts.service, "%s", identity->service);
	snprintf(parts.container, sizeof parts.container, "%s", identity->id);
	keys_join(&identity->keys, &parts, identity->session_key, NULL);
}

void container_identity_end(struct container_identity *identity, int64_t incarnation)
{
	int64_t *former = realloc(identity->former, (identity->former_count + 1) * sizeof *former);

	if (!former)
		return;
	identity->former = former;
	former[identity->former_count++] = incarnation;
}

int container_identity_claim_key(
        const struct container_identity *identity, const char *shard, uint32_t replica, char *ret_key, struct why *why)
{
	struct keys_parts parts = { .kind = KEYS_CLAIM, .replica = replica };
	int error = keys_check(KEYS_PART_ID, "id", shard, why);

	if (error)
		return error;
	snprintf(parts.service, sizeof parts.service, "%s", identity->service);
	snprintf(parts.shard, sizeof parts.shard, "%s", shard);
	return keys_join(&identity->keys, &parts, ret_key, why);
}

static enum container_claim_owner owner_of(
        const struct container_identity *identity, int64_t incarnation, const struct record_claim *claim)
{
	if (strcmp(claim->container, identity->id) != 0)
		return CONTAINER_CLAIM_OTHER;
	if (incarnation != 0 && claim->incarnation == incarnation)
		return CONTAINER_CLAIM_MINE;
	for (size_t i = 0; i < identity->former_count; i++) {
		if (identity->former[i] == claim->incarnation)
			return CONTAINER_CLAIM_FORMER;
	}
	return CONTAINER_CLAIM_STRANGER;
}

int container_identity_read(const struct container_identity *identity, int64_t incarnation, const struct etcd_kv *kv,
        struct container_claim_record *ret_record)
{
	struct record_claim claim;

	if (!kv) {
		*ret_record = (struct container_claim_record){ .owner = CONTAINER_CLAIM_ABSENT };
		return 0;
	}
	int error = records_claim_parse(kv->value, kv->value_bytes, &claim, NULL);
	if (error == SM_EPROTO) {
		*ret_record = (struct container_claim_record){ .owner = CONTAINER_CLAIM_OTHER };
		return 0;
	}
	if (error)
		return error;
	*ret_record = (struct container_claim_record){
		.owner = owner_of(identity, incarnation, &claim),
		.incarnation = claim.incarnation,
		.mod_revision = kv->mod_revision,
		.token = records_token(identity->store_incarnation, claim.token != 0 ? claim.token : kv->mod_revision),
		.ready = claim.ready,
	};
	records_claim_done(&claim);
	return 0;
}
