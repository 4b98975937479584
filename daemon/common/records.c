/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The records as tables of fields.
 */
#include "records.h"

#include "fields.h"
#include "host.h"
#include "shardmgr.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT(record, member) offsetof(struct record, member)
static const struct field service_fields[] = {
	{ "service", FIELD_TEXT, AT(record_service, service), false, 0, 0 },
	{ "createTime", FIELD_INT64, AT(record_service, create_time), false, FIELD_ANY_INT64 },
	{ "maxShardCount", FIELD_INT64, AT(record_service, max_shard_count), false, FIELD_ANY_INT64 },
	{ "maxRecoveryTime", FIELD_INT64, AT(record_service, max_recovery_time_s), false, FIELD_ANY_INT64 },
	{ 0 },
};
static const struct field shard_fields[] = {
	{ "id", FIELD_TEXT, AT(record_shard, id), false, 0, 0 },
	{ "service", FIELD_TEXT, AT(record_shard, service), false, 0, 0 },
	{ "task", FIELD_TEXT, AT(record_shard, task), false, 0, 0 },
	{ "updateTime", FIELD_INT64, AT(record_shard, update_time), false, FIELD_ANY_INT64 },
	{ "manualContainerId", FIELD_TEXT, AT(record_shard, pin), false, 0, 0 },
	{ "group", FIELD_TEXT, AT(record_shard, group), false, 0, 0 },
	{ "workerGroup", FIELD_TEXT, AT(record_shard, worker_group), false, 0, 0 },
	{ 0 },
};
static const struct field lease_fields[] = {
	{ "id", FIELD_INT64, AT(record_shard, lease_id), false, FIELD_ANY_INT64 },
	{ "expire", FIELD_INT64, AT(record_shard, lease_expire), false, FIELD_ANY_INT64 },
	{ 0 },
};
static const struct field claim_fields[] = {
	{ "container", FIELD_TEXT, AT(record_claim, container), false, 0, 0 },
	{ "incarnation", FIELD_INT64, AT(record_claim, incarnation), false, 0, INT64_MAX },
	{ "beliefMs", FIELD_UINT32, AT(record_claim, belief_ms), false, 0, UINT32_MAX },
	{ "ready", FIELD_BOOL, AT(record_claim, ready), false, 0, 0 },
	{ "token", FIELD_INT64, AT(record_claim, token), true, 0, (INT64_C(1) << 48) - 1 },
	{ 0 },
};

struct store {
	int64_t incarnation;
};
static const struct field store_fields[] = {
	{ "incarnation", FIELD_INT64, offsetof(struct store, incarnation), false, 0, UINT16_MAX },
	{ 0 },
};

static char *print_and_free(json_t *object)
{
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	json_decref(object);
	return text;
}

/* flags: jansson's. *ret_object: new reference. */
static int load_object(const char *text, size_t bytes, size_t flags, json_t **ret_object, struct why *why)
{
	json_error_t error;
	json_t *value = json_loadb(text, bytes, flags, &error);

	if (value == NULL)
		return why_set(why, SM_EPROTO, "not JSON: %s at byte %d", error.text, error.position);
	if (!json_is_object(value)) {
		json_decref(value);
		return why_set(why, SM_EPROTO, "not a JSON object");
	}
	*ret_object = value;
	return 0;
}

static int parse_text(const struct field *fields, const char *text, size_t bytes, void *record, struct why *why)
{
	json_t *object;
	int error = load_object(text, bytes, 0, &object, why);

	if (error != 0)
		return error;
	error = fields_parse(fields, object, record, why);
	json_decref(object);
	return error;
}

/* ---- service ---- */

int records_service_parse(const char *text, size_t bytes, struct record_service *ret, struct why *why)
{
	struct record_service record = { 0 };
	int error = parse_text(service_fields, text, bytes, &record, why);

	if (error == 0)
		*ret = record;
	return error;
}

char *records_service_print(const struct record_service *record)
{
	return print_and_free(fields_to_json(service_fields, record));
}

void records_service_done(struct record_service *record)
{
	fields_done(service_fields, record);
}

/* ---- shard ---- */

int records_shard_from_json(const json_t *object, struct record_shard *ret, struct why *why)
{
	struct record_shard record = { 0 };
	const json_t *lease = json_object_get(object, "lease");
	int error;

	if (!json_is_object(object))
		return why_set(why, SM_EPROTO, "a shard spec must be a JSON object");
	if (lease != NULL && !json_is_null(lease) && !json_is_object(lease))
		return why_set(why, SM_EPROTO, "field \"lease\" must be an object or null");
	error = fields_parse(lease_fields, lease, &record, why);
	if (error == 0)
		error = fields_parse(shard_fields, object, &record, why);
	if (error == 0)
		*ret = record;
	return error;
}

int records_shard_parse(const char *text, size_t bytes, struct record_shard *ret, struct why *why)
{
	json_t *object;
	int error = load_object(text, bytes, 0, &object, why);

	if (error != 0)
		return error;
	error = records_shard_from_json(object, ret, why);
	json_decref(object);
	return error;
}

json_t *records_shard_to_json(const struct record_shard *record)
{
	json_t *object = fields_to_json(shard_fields, record);
	bool leased = record->lease_id != 0 || record->lease_expire != 0;

	if (object == NULL)
		return NULL;
	if (json_object_set_new(object, "lease", leased ? fields_to_json(lease_fields, record) : json_null()) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

char *records_shard_print(const struct record_shard *record)
{
	return print_and_free(records_shard_to_json(record));
}

void records_shard_done(struct record_shard *record)
{
	fields_done(shard_fields, record);
}

/* ---- claim ---- */

int records_claim_parse(const char *text, size_t bytes, struct record_claim *ret, struct why *why)
{
	struct record_claim record = { 0 };
	int error = parse_text(claim_fields, text, bytes, &record, why);

	if (error == 0)
		*ret = record;
	return error;
}

char *records_claim_print(const struct record_claim *record)
{
	return print_and_free(fields_to_json(claim_fields, record));
}

void records_claim_done(struct record_claim *record)
{
	fields_done(claim_fields, record);
}

/* ---- store ---- */

int records_store_parse(const char *text, size_t bytes, uint64_t *ret_incarnation, struct why *why)
{
	struct store store = { 0 };
	int error = parse_text(store_fields, text, bytes, &store, why);

	if (error == 0)
		*ret_incarnation = (uint64_t)store.incarnation;
	return error;
}

char *records_store_print(uint64_t incarnation)
{
	struct store store = { .incarnation = (int64_t)incarnation };

	return print_and_free(fields_to_json(store_fields, &store));
}

/* ---- heartbeat ---- */

int records_heartbeat_parse(const char *text, size_t bytes, struct record_heartbeat *ret, struct why *why)
{
	json_t *object;
	const json_t *mark, *protocol;
	/* WHY: gopsutil's counters are unsigned, and some are beyond what jansson takes for an integer */
	int error = load_object(text, bytes, JSON_DECODE_INT_AS_REAL, &object, why);
	double number = 0;

	if (error != 0)
		return error;
	mark = json_object_get(object, "shardmgr");
	protocol = json_object_get(mark, "protocol");
	if (protocol != NULL)
		number = json_is_real(protocol) ? json_real_value(protocol) : -1;
	if (mark != NULL && !json_is_null(mark) && !json_is_object(mark))
		error = why_set(why, SM_EPROTO, "field \"shardmgr\" must be an object");
	else if (number < 0 || number > INT_MAX || number != (int)number)
		error = why_set(why, SM_EPROTO, "field \"shardmgr.protocol\" must be an integer from 0 to %d", INT_MAX);
	else
		*ret = (struct record_heartbeat){ .ours = json_is_object(mark), .protocol = (int)number };
	json_decref(object);
	return error;
}

char *records_heartbeat_print(const json_t *labels)
{
	json_t *object = host_figures(), *shown = labels == NULL ? json_object() : json_deep_copy(labels);
	json_t *mark = json_pack("{s:i, s:o, s:[]}", "protocol", RECORDS_PROTOCOL, "labels", shown, "capabilities");

	if (object == NULL || json_object_set_new(object, "timestamp", json_integer((json_int_t)time(NULL))) < 0 ||
	        json_object_set(object, "shardmgr", mark) < 0) {
		json_decref(object);
		object = NULL;
	}
	json_decref(mark);
	return print_and_free(object);
}
