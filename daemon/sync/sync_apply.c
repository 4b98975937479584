/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One pair of functions per kind of key, in a table.
 */
#include "sync_apply.h"

#include "../common/records.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BITS 44 /* as many as the view's owner word has */

static void report(struct sync_apply *apply, const struct etcd_kv *kv, const char *why)
{
	apply->hooks->malformed(apply->arg, kv->key, kv->mod_revision, why);
}

/* A text that the view does not take is malformed, too; anything else is the caller's trouble. */
static int report_refused(struct sync_apply *apply, const struct etcd_kv *kv, int error)
{
	if (error != SM_EINVAL)
		return error;
	report(apply, kv, "the value is too large for the view");
	return 0;
}

/* ---- store ---- */

static int delete_store(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	(void)kv;
	(void)parts;
	free(apply->store_value);
	apply->store_value = NULL;
	apply->store_incarnation = 0;
	return 0;
}

static int put_store(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	struct why why = { "" };
	uint64_t incarnation = 0;
	int error = records_store_parse(kv->value, kv->value_bytes, &incarnation, &why);
	char *value;

	if (error == SM_ENOMEM)
		return error;
	if (error != 0 || incarnation == 0) {
		report(apply, kv, error != 0 ? why.text : "the store incarnation must be positive");
		return delete_store(apply, kv, parts);
	}
	value = strdup(kv->value);
	if (value == NULL)
		return SM_ENOMEM;
	free(apply->store_value);
	apply->store_value = value;
	apply->store_incarnation = incarnation;
	return 0;
}

/* ---- specs ---- */

static int delete_spec(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	int error = view_writer_service_remove(apply->writer, parts->service, kv->mod_revision);

	if (error == 0)
		apply->hooks->spec(apply->arg, parts->service, 0);
	return error;
}

static int put_spec(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	struct why why = { "" };
	struct record_service record;
	int error = records_service_parse(kv->value, kv->value_bytes, &record, &why);

	if (error == SM_ENOMEM)
		return error;
	if (error != 0) {
		report(apply, kv, why.text);
		return delete_spec(apply, kv, parts);
	}
	error = view_writer_service_put(apply->writer, parts->service,
	        &(struct view_service_spec){ .spec = kv->value,
	                .create_time = record.create_time,
	                .max_shard_count = record.max_shard_count,
	                .max_recovery_time_s = record.max_recovery_time_s,
	                .spec_revision = kv->mod_revision });
	if (error == 0)
		apply->hooks->spec(apply->arg, parts->service, record.max_recovery_time_s);
	records_service_done(&record);
	return report_refused(apply, kv, error);
}

static int delete_shard(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	return view_writer_shard_remove(apply->writer, parts->service, parts->shard, 0, kv->mod_revision);
}

static int put_shard(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	struct why why = { "" };
	struct record_shard record;
	int error = records_shard_parse(kv->value, kv->value_bytes, &record, &why);

	if (error == SM_ENOMEM)
		return error;
	if (error != 0) {
		report(apply, kv, why.text);
		return delete_shard(apply, kv, parts);
	}
	error = view_writer_shard_put(apply->writer, parts->service, parts->shard, 0,
	        &(struct view_shard_spec){ .group = record.group,
	                .worker_group = record.worker_group,
	                .pin = record.pin,
	                .task = record.task,
	                .update_time = record.update_time,
	                .spec_revision = kv->mod_revision,
	                .lease_id = record.lease_id,
	                .lease_expire = record.lease_expire });
	records_shard_done(&record);
	return report_refused(apply, kv, error);
}

static int put_worker(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	return view_writer_worker_put(apply->writer, parts->service, parts->group, parts->container, kv->mod_revision);
}

static int delete_worker(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	return view_writer_worker_remove(
	        apply->writer, parts->service, parts->group, parts->container, kv->mod_revision);
}

/* ---- sessions ---- */

static int read_session(struct sync_apply *apply, const struct etcd_kv *kv, struct view_session *ret_session)
{
	struct why why = { "" };
	struct record_heartbeat heartbeat = { 0 };
	int error = 0;

	/* The key alone is the session; sm-go creates it empty and fills it later. */
	if (kv->value_bytes > 0)
		error = records_heartbeat_parse(kv->value, kv->value_bytes, &heartbeat, &why);
	if (error == SM_ENOMEM)
		return error;
	if (error != 0)
		report(apply, kv, why.text);
	ret_session->incarnation = kv->create_revision;
	ret_session->ours = heartbeat.ours;
	ret_session->heartbeat = error != 0 ? "" : kv->value;
	return 0;
}

int sync_apply_remember(struct sync_apply *apply, const struct etcd_kv *kv)
{
	struct keys_parts parts;
	struct view_session session;
	int error;

	keys_split(apply->keys, kv->key, kv->key_bytes, &parts);
	if (parts.kind != KEYS_SESSION)
		return 0;
	session.lease = parts.lease;
	error = read_session(apply, kv, &session);
	return error != 0 ? error : sync_sessions_put(apply->sessions, parts.service, parts.container, &session);
}

/* The view shows the session that holds the id. */
static int show_holder(struct sync_apply *apply, const struct keys_parts *parts, int64_t revision)
{
	struct view_session holder;

	if (!sync_sessions_holder(apply->sessions, parts->service, parts->container, &holder))
		return view_writer_container_gone(
		        apply->writer, parts->service, parts->container, apply->now.boot_ns, revision);
	return view_writer_container_put(apply->writer, parts->service, parts->container, &holder, revision);
}

static int put_session(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	bool known = sync_sessions_present(apply->sessions, parts->service, parts->container, kv->create_revision);
	int error = sync_apply_remember(apply, kv);

	if (error == 0)
		error = show_holder(apply, parts, kv->mod_revision);
	if (error == 0 && !known)
		apply->hooks->session(apply->arg, parts->service, parts->container, kv->create_revision, 0);
	return error;
}

static int delete_session(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	int64_t ended = sync_sessions_remove(apply->sessions, parts->service, parts->container, parts->lease);
	int error = ended == 0 ? 0 : show_holder(apply, parts, kv->mod_revision);

	if (error == 0 && ended != 0)
		apply->hooks->session(apply->arg, parts->service, parts->container, 0, ended);
	return error;
}

/* ---- claims ---- */

static int delete_claim(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	int error =
	        view_writer_claim_remove(apply->writer, parts->service, parts->shard, parts->replica, kv->mod_revision);

	if (error == 0)
		apply->hooks->claim(apply->arg, parts->service, parts->shard, parts->replica, NULL);
	return error;
}

static int check_claim(const struct record_claim *record, int64_t mod_revision, struct why *why)
{
	int error = keys_check(KEYS_PART_CONTAINER, "container", record->container, why);

	if (error != 0)
		return error;
	if (record->incarnation <= 0 || record->belief_ms == 0)
		return why_set(why, SM_EPROTO, "incarnation and beliefMs must be positive");
	if (record->incarnation > mod_revision || record->token > mod_revision || mod_revision >> TOKEN_BITS != 0)
		return why_set(why, SM_EPROTO, "incarnation and token must not be larger than the record's revision");
	return 0;
}

static int put_claim(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	struct why why = { "" };
	struct record_claim record = { 0 };
	struct view_claim claim;
	int error = records_claim_parse(kv->value, kv->value_bytes, &record, &why);

	if (error == 0)
		error = check_claim(&record, kv->mod_revision, &why);
	if (error == SM_ENOMEM)
		return error;
	if (error != 0) {
		report(apply, kv, why.text);
		records_claim_done(&record);
		return delete_claim(apply, kv, parts);
	}
	claim = (struct view_claim){ .container = record.container,
		.incarnation = record.incarnation,
		.mod_revision = kv->mod_revision,
		.token_revision = (uint64_t)(record.token != 0 ? record.token : kv->mod_revision),
		.belief_ms = record.belief_ms,
		.ready = record.ready };
	error = view_writer_claim_put(apply->writer, parts->service, parts->shard, parts->replica, &claim);
	if (error == 0)
		apply->hooks->claim(apply->arg, parts->service, parts->shard, parts->replica, &claim);
	records_claim_done(&record);
	return error;
}

/* ---- marks ---- */

static int put_place(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	(void)kv;
	apply->hooks->place(apply->arg, parts->service);
	return 0;
}

static int put_deleted(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	apply->hooks->deleted(apply->arg, parts->service, kv->mod_revision);
	return 0;
}

static int delete_deleted(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts)
{
	(void)kv;
	apply->hooks->deleted(apply->arg, parts->service, 0);
	return 0;
}

typedef int apply_fn(struct sync_apply *apply, const struct etcd_kv *kv, const struct keys_parts *parts);

static const struct {
	apply_fn *put, *remove;
} kinds[] = {
	[KEYS_STORE] = { put_store, delete_store },
	[KEYS_SERVICE_SPEC] = { put_spec, delete_spec },
	[KEYS_SHARD_SPEC] = { put_shard, delete_shard },
	[KEYS_WORKER] = { put_worker, delete_worker },
	[KEYS_HEARTBEATS] = { put_place, NULL },
	[KEYS_SESSION] = { put_session, delete_session },
	[KEYS_CLAIM] = { put_claim, delete_claim },
	[KEYS_DELETED] = { put_deleted, delete_deleted },
	[KEYS_CTL] = { NULL, NULL }, /* the last one: others are looked up within bounds */
};

static int apply_one(struct sync_apply *apply, const struct etcd_kv *kv, bool removed)
{
	struct keys_parts parts;
	apply_fn *fn;

	keys_split(apply->keys, kv->key, kv->key_bytes, &parts);
	if ((size_t)parts.kind >= sizeof(kinds) / sizeof(kinds[0]))
		return 0;
	fn = removed ? kinds[parts.kind].remove : kinds[parts.kind].put;
	return fn == NULL ? 0 : fn(apply, kv, &parts);
}

int sync_apply_put(struct sync_apply *apply, const struct etcd_kv *kv)
{
	return apply_one(apply, kv, false);
}

int sync_apply_delete(struct sync_apply *apply, const struct etcd_kv *kv)
{
	return apply_one(apply, kv, true);
}

void sync_apply_done(struct sync_apply *apply)
{
	free(apply->store_value);
	apply->store_value = NULL;
}
