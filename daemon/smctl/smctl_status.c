/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "smctl_status.h"

#include "smctl_client.h"
#include "smctl_print.h"

#include <stdio.h>
#include <time.h>

#define POLL_MS 50

static void print_status(const struct smctl *smctl, const json_t *status)
{
	static const char *const heads[] = { "SERVICE", "GREEN", "SHARDS", "SERVING", "UNASSIGNED", "CONTAINERS",
		NULL };
	const json_t *services = json_object_get(status, "services");
	struct smctl_table *table;

	if (smctl->json) {
		smctl_print_json(status);
		return;
	}
	table = smctl_table_new(heads);
	for (size_t i = 0; i < json_array_size(services); i++) {
		json_t *service = json_array_get(services, i);

		smctl_table_add(
		        table, json_pack("[O,O,O,O,O,O]", json_object_get(service, "service"),
		                       json_object_get(service, "green"), json_object_get(service, "shards"),
		                       json_object_get(service, "serving"), json_object_get(service, "unassigned"),
		                       json_object_get(service, "containers")));
	}
	smctl_table_print(table);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Asks until green or until the time is over; while waiting, a manager that is not there yet is no error. *ret_status: the last answer. */
static int ask(struct smctl *smctl, const char *service, json_t **ret_status)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	double end_s = now_s() + smctl->timeout_s;

	for (;;) {
		json_t *status = NULL;
		int error;

		smctl->quiet = smctl->wait_green && now_s() < end_s;
		error = smctl_client_get(smctl, "/sm/server/status", service, &status);
		if (error != SMCTL_OK && !smctl->quiet)
			return error;
		if (error == SMCTL_OK && (json_is_true(json_object_get(status, "green")) || !smctl->quiet)) {
			*ret_status = status;
			return SMCTL_OK;
		}
		json_decref(status);
		nanosleep(&pause, NULL);
	}
}

int smctl_status(struct smctl *smctl, int count, char *const *arguments)
{
	json_t *status;
	int error = ask(smctl, count > 0 ? arguments[0] : NULL, &status);

	if (error != SMCTL_OK)
		return error;
	print_status(smctl, status);
	if (!json_is_true(json_object_get(status, "green")))
		error = SMCTL_NOT_GREEN;
	if (error == SMCTL_NOT_GREEN && smctl->wait_green)
		fprintf(stderr,
		        "smctl: not green after %g s: \"smctl shard list S\" shows which shards lack an owner\n",
		        smctl->timeout_s);
	json_decref(status);
	return error;
}

int smctl_health(struct smctl *smctl, int count, char *const *arguments)
{
	json_t *answer;
	int error = smctl_client_get(smctl, "/sm/server/health", NULL, &answer);

	(void)count;
	(void)arguments;
	if (error != SMCTL_OK)
		return error;
	if (smctl->json)
		smctl_print_json(answer);
	else
		puts("ok");
	json_decref(answer);
	return SMCTL_OK;
}
