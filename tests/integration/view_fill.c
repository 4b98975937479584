/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Writes a view as sync would, as told by JSON lines on stdin, each answered by a line with the error code.
 *
 *     usage: view_fill DIR MANAGER
 *     {"op":"service","name":…,"max":n}   {"op":"shard","service":…,"id":…,"task":…,"group":…,"workerGroup":…,"pin":…,"lease":n}
 *     {"op":"container","service":…,"id":…,"incarnation":n}     {"op":"claim","service":…,"shard":…,"container":…,"incarnation":n,"ready":b}
 *     {"op":"worker","service":…,"group":…,"container":…}       {"op":"unservice","name":…}   {"op":"unshard","service":…,"id":…}
 *     {"op":"shards","service":…,"count":n}                     {"op":"synced"}               {"op":"reset"}
 */
#include "common/clocks.h"
#include "view_writer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct view_writer *writer;
static uint64_t revision = 100;

static const char *text(const json_t *order, const char *key)
{
	const char *value = json_string_value(json_object_get(order, key));

	return value == NULL ? "" : value;
}

static int64_t number(const json_t *order, const char *key)
{
	return json_integer_value(json_object_get(order, key));
}

static int put_shard(const json_t *order, const char *id)
{
	const struct view_shard_spec spec = { .group = text(order, "group"),
		.worker_group = text(order, "workerGroup"),
		.pin = text(order, "pin"),
		.task = text(order, "task"),
		.update_time = 1700000001,
		.spec_revision = (int64_t)revision,
		.lease_id = number(order, "lease"),
		.lease_expire = number(order, "lease") == 0 ? 0 : 1800000000 };

	return view_writer_shard_put(writer, text(order, "service"), id, 0, &spec);
}

static int put_shards(const json_t *order)
{
	char id[32];
	int error = 0;

	for (int64_t i = 0; error == 0 && i < number(order, "count"); i++) {
		snprintf(id, sizeof(id), "s%lld", (long long)i);
		error = put_shard(order, id);
	}
	return error;
}

static int put_service(const json_t *order)
{
	const struct view_service_spec spec = { .spec = "{}",
		.create_time = 1700000000,
		.max_shard_count = number(order, "max"),
		.spec_revision = (int64_t)revision };

	return view_writer_service_put(writer, text(order, "name"), &spec);
}

static int put_container(const json_t *order)
{
	const struct view_session session = {
		.incarnation = number(order, "incarnation"), .lease = 7, .ours = true, .heartbeat = "{}"
	};

	return view_writer_container_put(
	        writer, text(order, "service"), text(order, "id"), &session, (int64_t)revision);
}

static int put_claim(const json_t *order)
{
	const struct view_claim claim = { .container = text(order, "container"),
		.incarnation = number(order, "incarnation"),
		.mod_revision = (int64_t)revision,
		.token_revision = revision,
		.belief_ms = 4850,
		.ready = json_is_true(json_object_get(order, "ready")) };

	return view_writer_claim_put(writer, text(order, "service"), text(order, "shard"), 0, &claim);
}

static int change(const json_t *order)
{
	const char *op = text(order, "op");

	if (strcmp(op, "service") == 0)
		return put_service(order);
	if (strcmp(op, "shard") == 0)
		return put_shard(order, text(order, "id"));
	if (strcmp(op, "shards") == 0)
		return put_shards(order);
	if (strcmp(op, "container") == 0)
		return put_container(order);
	if (strcmp(op, "claim") == 0)
		return put_claim(order);
	if (strcmp(op, "worker") == 0)
		return view_writer_worker_put(writer, text(order, "service"), text(order, "group"),
		        text(order, "container"), (int64_t)revision);
	if (strcmp(op, "unservice") == 0)
		return view_writer_service_remove(writer, text(order, "name"), (int64_t)revision);
	if (strcmp(op, "unshard") == 0)
		return view_writer_shard_remove(
		        writer, text(order, "service"), text(order, "id"), 0, (int64_t)revision);
	return -1;
}

static int obey(const json_t *order)
{
	int error = 0;

	if (strcmp(text(order, "op"), "synced") == 0) {
		view_writer_synced(writer, clocks_now().boot_ns / 1000000);
		return 0;
	}
	if (strcmp(text(order, "op"), "reset") == 0)
		error = view_writer_reset(writer, 0);
	revision++;
	view_writer_begin(writer);
	if (error == 0 && strcmp(text(order, "op"), "reset") != 0)
		error = change(order);
	view_writer_publish(writer, revision);
	return error;
}

int main(int argc, char **argv)
{
	const struct view_identity identity = { "/sm", argc > 2 ? argv[2] : "" };
	char line[4096];
	bool resumable;

	if (argc != 3 || view_writer_open(argv[1], &identity, &writer, &resumable) != 0 ||
	        view_writer_reset(writer, 0) != 0)
		return 2;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		json_t *order = json_loads(line, 0, NULL);

		printf("%d\n", order == NULL ? -1 : obey(order));
		fflush(stdout);
		json_decref(order);
	}
	view_writer_close(writer);
	return 0;
}
