/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * usage: view_dump DIR      prints the view in DIR as one JSON object, for tests that compare it with etcd.
 *        view_dump -f DIR   one per line on standard output, each time a line comes on standard input; ends with it.
 */
#include "view_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *dump_claim(const struct view *view, const struct view_shard *shard)
{
	struct view_container container;
	struct view_owner owner = { 0 };
	struct view_service service;
	uint32_t row = view_container_by_number(view, shard->claim_container);

	if (shard->claim_container == 0 || row == VIEW_NONE)
		return json_null();
	view_container_get(view, row, &container);
	view_service_get(view, shard->service, &service);
	view_lookup(view, service.name, strlen(service.name), shard->id, strlen(shard->id), shard->replica, &owner);
	return json_pack("{s:s, s:I, s:I, s:I, s:i, s:b, s:I}", "container", container.id, "incarnation",
	        (json_int_t)shard->claim_incarnation, "mod", (json_int_t)shard->claim_mod_revision, "token",
	        (json_int_t)shard->claim_token, "belief", (int)shard->belief_ms, "ready", (int)shard->ready, "lookup",
	        (json_int_t)owner.token);
}

static json_t *dump_shards(const struct view *view, uint32_t service)
{
	json_t *shards = json_object();
	struct view_shard shard;
	char name[300];

	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row)) {
		view_shard_get(view, row, &shard);
		if (!shard.exists && shard.claim_container == 0)
			continue;
		snprintf(name, sizeof(name), shard.replica == 0 ? "%s" : "%s/%u", shard.id, (unsigned)shard.replica);
		json_object_set_new(shards, name,
		        json_pack("{s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "exists", (int)shard.exists, "task",
		                shard.task, "group", shard.group, "workerGroup", shard.worker_group, "pin", shard.pin,
		                "updateTime", (json_int_t)shard.update_time, "mod", (json_int_t)shard.spec_revision,
		                "claim", dump_claim(view, &shard)));
	}
	return shards;
}

static json_t *dump_containers(const struct view *view, uint32_t service)
{
	json_t *containers = json_object();
	struct view_container container;

	for (uint32_t row = view_container_first(view, service); row != VIEW_NONE;
	        row = view_container_next(view, row)) {
		view_container_get(view, row, &container);
		if (!container.alive)
			continue;
		json_object_set_new(containers, container.id,
		        json_pack("{s:I, s:I, s:b, s:s}", "incarnation", (json_int_t)container.incarnation, "lease",
		                (json_int_t)container.lease, "ours", (int)container.ours, "heartbeat",
		                container.heartbeat));
	}
	return containers;
}

static json_t *dump_workers(const struct view *view, uint32_t service)
{
	json_t *workers = json_array();
	struct view_worker worker;

	for (uint32_t row = view_worker_first(view, service); row != VIEW_NONE; row = view_worker_next(view, row)) {
		view_worker_get(view, row, &worker);
		json_array_append_new(workers, json_pack("[s, s]", worker.group, worker.container));
	}
	return workers;
}

static json_t *dump_view(const struct view *view)
{
	json_t *services = json_object();
	struct view_service service;
	struct view_usage usage;

	for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row)) {
		view_service_get(view, row, &service);
		json_object_set_new(services, service.name,
		        json_pack("{s:b, s:s, s:I, s:i, s:i, s:i, s:o, s:o, s:o}", "exists", (int)service.exists,
		                "spec", service.spec, "mod", (json_int_t)service.spec_revision, "shardCount",
		                (int)service.shard_count, "containerCount", (int)service.container_count, "claimCount",
		                (int)service.claim_count, "shards", dump_shards(view, row), "containers",
		                dump_containers(view, row), "workers", dump_workers(view, row)));
	}
	view_usage_get(view, &usage);
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "revision", (json_int_t)view_revision(view), "incarnation",
	        (json_int_t)view_store_incarnation(view), "segment", (json_int_t)usage.segment_number, "synced",
	        (json_int_t)view_synced_at_ms(view), "services", services);
}

/* Again when a publish came in between. */
static json_t *dump(struct view *view)
{
	for (;;) {
		uint64_t revision, cursor;
		json_t *dumped;

		view_refresh(view);
		revision = view_revision(view);
		cursor = view_change_cursor(view);
		dumped = dump_view(view);
		if (view_refresh(view) == 0 && view_revision(view) == revision && view_change_cursor(view) == cursor)
			return dumped;
		json_decref(dumped);
	}
}

int main(int argc, char **argv)
{
	int follow = argc == 3 && strcmp(argv[1], "-f") == 0;
	struct view *view;
	char line[16];
	int error;

	if (argc != 2 && !follow) {
		fprintf(stderr, "usage: view_dump [-f] DIR\n");
		return 2;
	}
	error = view_open(argv[argc - 1], &view);
	if (error != 0) {
		fprintf(stderr, "view_dump: no view in %s (error %d)\n", argv[argc - 1], error);
		return 1;
	}
	do {
		json_t *dumped = follow && fgets(line, sizeof(line), stdin) == NULL ? NULL : dump(view);

		if (dumped == NULL)
			break;
		json_dumpf(dumped, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		putchar('\n');
		fflush(stdout);
		json_decref(dumped);
	} while (follow);
	view_close(view);
	return 0;
}
