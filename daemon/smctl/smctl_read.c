/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "smctl_read.h"

#include "smctl_client.h"
#include "smctl_print.h"

#include <stdio.h>
#include <string.h>

/* Prints the answer to a GET, which has at least a member needed: as JSON, or by show. */
static int read_and_show(struct smctl *smctl, const char *path, const char *service, const char *needed,
        void (*show)(const json_t *answer))
{
	json_t *answer;
	int error = smctl_client_get(smctl, path, service, &answer);

	if (error != SMCTL_OK)
		return error;
	if (json_object_get(answer, needed) == NULL)
		error = smctl_client_strange(smctl, needed);
	else if (smctl->json)
		smctl_print_json(answer);
	else
		show(answer);
	json_decref(answer);
	return error;
}

static const char *text_or_dash(const json_t *value)
{
	const char *text = json_string_value(value);

	return text == NULL || *text == '\0' ? "-" : text;
}

static const char *member_or_dash(const json_t *object, const char *key)
{
	return text_or_dash(json_object_get(object, key));
}

static void show_services(const json_t *answer)
{
	const json_t *services = json_object_get(answer, "services");

	for (size_t i = 0; i < json_array_size(services); i++)
		puts(text_or_dash(json_array_get(services, i)));
}

int smctl_service_list(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	(void)arguments;
	return read_and_show(smctl, "/sm/server/get-spec", NULL, "services", show_services);
}

static void show_service(const json_t *answer)
{
	const json_t *spec = json_object_get(answer, "spec");

	printf("service              %s\n", member_or_dash(spec, "service"));
	printf("most shards each     %" JSON_INTEGER_FORMAT "\n",
	        json_integer_value(json_object_get(spec, "maxShardCount")));
	printf("recovery time, s     %" JSON_INTEGER_FORMAT "\n",
	        json_integer_value(json_object_get(spec, "maxRecoveryTime")));
	printf("shards               %zu\n", json_object_size(json_object_get(answer, "shardSpec")));
	printf("  not allocated      %zu\n", json_array_size(json_object_get(answer, "notAllocateShards")));
	printf("  not ready          %zu\n", json_array_size(json_object_get(answer, "notReadyShards")));
	printf("containers alive     %zu\n", json_array_size(json_object_get(answer, "aliveContainers")));
	printf("worker groups        %zu\n", json_object_size(json_object_get(answer, "workerGroup")));
}

int smctl_service_show(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return read_and_show(smctl, "/sm/server/detail", arguments[0], "spec", show_service);
}

/* {"shard":"container"} out of {"container":["shard",…]} */
static json_t *owners_of(const json_t *allocate)
{
	json_t *owners = json_object();
	const char *container;
	json_t *shards;

	json_object_foreach((json_t *)allocate, container, shards)
		for (size_t i = 0; i < json_array_size(shards); i++)
			json_object_set_new(
			        owners, json_string_value(json_array_get(shards, i)), json_string(container));
	return owners;
}

static json_t *set_of(const json_t *list)
{
	json_t *set = json_object();

	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_set_new(set, json_string_value(json_array_get(list, i)), json_true());
	return set;
}

static void show_shards(const json_t *answer)
{
	static const char *const heads[] = { "SHARD", "OWNER", "READY", "GROUP", "WORKERGROUP", "PIN", NULL };
	struct smctl_table *table = smctl_table_new(heads);
	json_t *owners = owners_of(json_object_get(answer, "allocate"));
	json_t *waiting = set_of(json_object_get(answer, "notReadyShards")), *spec;
	const char *shard;

	json_object_foreach(json_object_get(answer, "shardSpec"), shard, spec) {
		bool ready = json_object_get(owners, shard) != NULL && json_object_get(waiting, shard) == NULL;

		smctl_table_add(table, json_pack("[s,s,b,s,s,s]", shard, member_or_dash(owners, shard), ready,
		                               member_or_dash(spec, "group"), member_or_dash(spec, "workerGroup"),
		                               member_or_dash(spec, "manualContainerId")));
	}
	smctl_table_print(table);
	json_decref(owners);
	json_decref(waiting);
}

int smctl_shard_list(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return read_and_show(smctl, "/sm/server/detail", arguments[0], "shardSpec", show_shards);
}

static void show_workers(const json_t *answer)
{
	static const char *const heads[] = { "WORKERGROUP", "WORKER", NULL };
	struct smctl_table *table = smctl_table_new(heads);
	const char *group;
	json_t *workers;

	json_object_foreach(json_object_get(answer, "workers"), group, workers)
		for (size_t i = 0; i < json_array_size(workers); i++)
			smctl_table_add(table, json_pack("[s,O]", group, json_array_get(workers, i)));
	smctl_table_print(table);
}

int smctl_worker_list(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return read_and_show(smctl, "/sm/server/get-worker", arguments[0], "workers", show_workers);
}

/* Those alive, then those that are gone and still named by claims. */
static void show_containers(const json_t *answer)
{
	static const char *const heads[] = { "CONTAINER", "ALIVE", "SHARDS", NULL };
	const json_t *alive = json_object_get(answer, "aliveContainers");
	json_t *allocate = json_object_get(answer, "allocate"), *is_alive = set_of(alive), *shards;
	struct smctl_table *table = smctl_table_new(heads);
	const char *container;

	for (size_t i = 0; i < json_array_size(alive); i++) {
		container = text_or_dash(json_array_get(alive, i));
		shards = json_object_get(allocate, container);
		smctl_table_add(table, json_pack("[s,b,I]", container, true, (json_int_t)json_array_size(shards)));
	}
	json_object_foreach(allocate, container, shards)
		if (json_object_get(is_alive, container) == NULL)
			smctl_table_add(
			        table, json_pack("[s,b,I]", container, false, (json_int_t)json_array_size(shards)));
	smctl_table_print(table);
	json_decref(is_alive);
}

int smctl_container_list(struct smctl *smctl, int count, char *const *arguments)
{
	(void)count;
	return read_and_show(smctl, "/sm/server/detail", arguments[0], "aliveContainers", show_containers);
}
