/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "smctl_write.h"

#include "smctl_client.h"
#include "smctl_print.h"

#include <stdio.h>

#define BATCH 10000 /* the manager's limit for one request */

/* POSTs a change whose answer says nothing but yes. */
static int change(struct smctl *smctl, const char *path, json_t *body)
{
	json_t *answer;
	int error = smctl_client_post(smctl, path, body, &answer);

	if (error != SMCTL_OK)
		return error;
	if (smctl->json)
		smctl_print_json(answer);
	json_decref(answer);
	return SMCTL_OK;
}

static void set_count(json_t *body, const char *key, long value)
{
	if (value >= 0)
		json_object_set_new(body, key, json_integer(value));
}

static void set_text(json_t *body, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(body, key, json_string(value));
}

static json_t *spec_of(const struct smctl *smctl, const char *service)
{
	json_t *body = json_pack("{s:s}", "service", service);

	set_count(body, "maxShardCount", smctl->max_shard_count);
	set_count(body, "maxRecoveryTime", smctl->max_recovery_time_s);
	return body;
}

int smctl_service_add(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return change(smctl, "/sm/server/add-spec", spec_of(smctl, arguments[0]));
}

int smctl_service_update(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return change(smctl, "/sm/server/update-spec", spec_of(smctl, arguments[0]));
}

int smctl_service_delete(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return change(smctl, "/sm/server/del-spec", json_pack("{s:s}", "service", arguments[0]));
}

static json_t *shard_of(const struct smctl *smctl, const char *id)
{
	json_t *shard = json_pack("{s:s}", "shardId", id);

	set_text(shard, "task", smctl->task);
	set_text(shard, "group", smctl->group);
	set_text(shard, "workerGroup", smctl->worker_group);
	set_text(shard, "manualContainerId", smctl->pin);
	return shard;
}

/* Prints what did not work; SMCTL_REFUSED when something did not, or was not answered. */
static int report_results(const struct smctl *smctl, const json_t *answer, size_t asked)
{
	const json_t *results = json_object_get(answer, "results");
	int error = SMCTL_OK;

	if (json_array_size(results) != asked)
		return smctl_client_strange(smctl, "results");
	if (smctl->json)
		smctl_print_json(answer);
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);

		if (json_integer_value(json_object_get(result, "status")) == 200)
			continue;
		error = SMCTL_REFUSED;
		fprintf(stderr, "smctl: shard %s: %s\n", json_string_value(json_object_get(result, "shardId")),
		        json_string_value(json_object_get(result, "error")));
	}
	return error;
}

/* arguments: the service, then shards, sent in batches of what the manager takes. */
static int change_shards(struct smctl *smctl, const char *path, int count, char *const *arguments, bool with_fields)
{
	int result = SMCTL_OK;

	for (int from = 1; from < count; from += BATCH) {
		json_t *shards = json_array(), *answer;
		size_t asked;
		int error;

		for (int i = from; i < count && i < from + BATCH; i++)
			json_array_append_new(
			        shards, with_fields ? shard_of(smctl, arguments[i]) : json_string(arguments[i]));
		error = smctl_client_post(
		        smctl, path, json_pack("{s:s, s:o}", "service", arguments[0], "shards", shards), &answer);
		if (error != SMCTL_OK)
			return error;
		asked = count - from < BATCH ? (size_t)(count - from) : BATCH;
		if (report_results(smctl, answer, asked) != SMCTL_OK)
			result = SMCTL_REFUSED;
		json_decref(answer);
	}
	return result;
}

int smctl_shard_add(struct smctl *smctl, int count, char *const *arguments)
{
	return change_shards(smctl, "/sm/server/add-shards", count, arguments, true);
}

int smctl_shard_delete(struct smctl *smctl, int count, char *const *arguments)
{
	return change_shards(smctl, "/sm/server/del-shards", count, arguments, false);
}

int smctl_shard_update(struct smctl *smctl, int count, char *const *arguments)
{
	json_t *body = shard_of(smctl, arguments[1]);

	(void)count;
	set_text(body, "service", arguments[0]);
	return change(smctl, "/sm/server/update-shard", body);
}

static json_t *worker_of(char *const *arguments)
{
	return json_pack(
	        "{s:s, s:s, s:s}", "service", arguments[0], "workerGroup", arguments[1], "worker", arguments[2]);
}

int smctl_worker_add(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return change(smctl, "/sm/server/add-worker", worker_of(arguments));
}

int smctl_worker_delete(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return change(smctl, "/sm/server/del-worker", worker_of(arguments));
}
