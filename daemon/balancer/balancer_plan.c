/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Builds the planner's input (groups and worker groups numbered in the order of their names, so that the same service gives the same
 * plan in every process), and applies what it answers.
 */
#include "balancer_plan.h"

#include "balancer_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct build {
	struct planner_container *containers;
	struct planner_shard *shards;
	struct planner_worker *workers;
	uint32_t shard_count, worker_count, group_count, worker_group_count;
	uint32_t *container_of,
	        *container_is; /* the service's number of a planner's container, and back (PLANNER_ABSENT: it is away) */
	uint32_t *shard_of;    /* the service's number of a planner's shard */
	uint32_t *group, *worker_group, *pin; /* by name: the planner's number */
	uint32_t *wanted;                     /* by shard of the service */
};

/* Replicas come later; what is not configured is nobody's. */
static bool is_planned(const struct balancer_service *service, const struct balancer_shard *shard)
{
	return service->exists && shard->configured && shard->replica == 0;
}

static void build_names(struct build *build, const struct balancer_service *service)
{
	const struct balancer_names *names = &service->shards.names;
	uint8_t *group_used = balancer_memory_zeroed(names->count, 1);
	uint8_t *worker_group_used = balancer_memory_zeroed(names->count, 1);

	group_used[0] = 1; /* "" is number 0, whether or not it is used */
	for (uint32_t i = 0; i < service->shards.count; i++) {
		const struct balancer_shard *shard = &service->shards.items[i];

		if (!is_planned(service, shard))
			continue;
		group_used[shard->group] = 1;
		if (shard->worker_group)
			worker_group_used[shard->worker_group] = 1;
	}
	build->group_count = balancer_names_rank(names, group_used, build->group);
	build->worker_group_count = balancer_names_rank(names, worker_group_used, build->worker_group);
	build->pin[0] = PLANNER_NONE;
	for (uint32_t name = 1; name < names->count; name++) {
		build->pin[name] = balancer_containers_find(&service->containers, names->texts[name]);
		if (build->pin[name] == BALANCER_CONTAINERS_NONE)
			build->pin[name] = PLANNER_ABSENT;
	}
	free(group_used);
	free(worker_group_used);
}

static uint32_t planner_owner(uint32_t owner)
{
	if (owner == EXECUTOR_NONE)
		return PLANNER_NONE;
	return owner == EXECUTOR_AWAY ? PLANNER_ABSENT : owner;
}

static void build_shards(struct build *build, const struct balancer_service *service)
{
	for (uint32_t i = 0; i < service->shards.count; i++) {
		const struct balancer_shard *shard = &service->shards.items[i];
		uint32_t owner = executor_owner(service->executor, i);

		build->wanted[i] = EXECUTOR_NONE;
		if (!is_planned(service, shard))
			continue;
		if (owner < EXECUTOR_AWAY)
			build->wanted[i] = owner;
		build->shard_of[build->shard_count] = i;
		build->shards[build->shard_count++] = (struct planner_shard){ .group = build->group[shard->group],
			.worker_group = shard->worker_group ? build->worker_group[shard->worker_group] : PLANNER_NONE,
			.pin = build->pin[shard->pin],
			.owner = planner_owner(owner) };
	}
}

static void build_workers(struct build *build, const struct balancer_service *service, const struct view *view)
{
	uint32_t room = 0;

	for (uint32_t row = view_worker_first(view, service->row); row != VIEW_NONE;
	        row = view_worker_next(view, row)) {
		struct view_worker worker;
		uint32_t name, container;

		view_worker_get(view, row, &worker);
		name = balancer_names_find(&service->shards.names, worker.group);
		container = balancer_containers_find(&service->containers, worker.container);
		if (name == BALANCER_NAMES_NONE || build->worker_group[name] == BALANCER_NAMES_NONE ||
		        container == BALANCER_CONTAINERS_NONE)
			continue;
		if (build->worker_count == room) {
			room = room ? room * 2 : 16;
			build->workers = balancer_memory_resized(build->workers, room, sizeof(*build->workers));
		}
		build->workers[build->worker_count++] =
		        (struct planner_worker){ .worker_group = build->worker_group[name], .container = container };
	}
}

static void build_all(struct build *build, const struct balancer_service *service, const struct view *view)
{
	uint32_t shards = service->shards.count, names = service->shards.names.count;

	*build = (struct build){
		.containers = balancer_memory_zeroed(service->containers.count, sizeof(*build->containers)),
		.shards = balancer_memory_zeroed(shards, sizeof(*build->shards)),
		.shard_of = balancer_memory_zeroed(shards, sizeof(uint32_t)),
		.wanted = balancer_memory_zeroed(shards, sizeof(uint32_t)),
		.group = balancer_memory_zeroed(names, sizeof(uint32_t)),
		.worker_group = balancer_memory_zeroed(names, sizeof(uint32_t)),
		.pin = balancer_memory_zeroed(names, sizeof(uint32_t)),
	};
	for (uint32_t i = 0; i < service->containers.count; i++)
		build->containers[i].cordoned = executor_closed(service->executor, i);
	build_names(build, service);
	build_shards(build, service);
	build_workers(build, service, view);
}

static void build_done(struct build *build)
{
	free(build->containers);
	free(build->shards);
	free(build->workers);
	free(build->shard_of);
	free(build->wanted);
	free(build->group);
	free(build->worker_group);
	free(build->pin);
}

static void decide_moves(struct build *build, struct balancer_service *service, const struct planner_plan *plan,
        uint64_t now_ms, struct balancer_plan_report *report)
{
	for (uint32_t i = 0; i < plan->move_count; i++) {
		const struct planner_move *move = &plan->moves[i];
		uint32_t number = build->shard_of[move->shard];
		struct balancer_shard *shard = &service->shards.items[number];

		build->wanted[number] = move->to;
		if (move->to == executor_wanted(service->executor, number) && shard->cause)
			continue; /* decided before, still under way */
		if (shard->cause)
			balancer_moves_cancelled(&service->moves, shard->cause);
		else
			shard->since_ms = now_ms;
		shard->cause = (uint8_t)move->cause;
		balancer_moves_decided(&service->moves, shard->cause);
		report->decided[move->cause]++;
		report->total++;
	}
}

/* Everybody's wish, also of those that are not planned: a shard that is not configured is wanted by nobody, and one whose service has no
 * spec neither. */
static void tell_executor(const struct build *build, struct balancer_service *service, uint64_t now_ms)
{
	for (uint32_t i = 0; i < service->shards.count; i++) {
		struct balancer_shard *shard = &service->shards.items[i];

		executor_want(service->executor, i, build->wanted[i], service->exists && shard->configured, now_ms);
		if (shard->cause && (build->wanted[i] == EXECUTOR_NONE || executor_settled(service->executor, i))) {
			balancer_moves_cancelled(&service->moves, shard->cause);
			shard->cause = 0;
		}
	}
}

int balancer_plan_make(struct balancer_service *service, const struct view *view, uint64_t now_ms,
        struct balancer_plan_report *ret_report)
{
	struct balancer_plan_report report = { 0 };
	struct planner_plan plan;
	struct planner_input input;
	struct build build;
	int rc;

	build_all(&build, service, view);
	input = (struct planner_input){ .max_shard_count = service->max_shard_count,
		.containers = build.containers,
		.container_count = service->containers.count,
		.shards = build.shards,
		.shard_count = build.shard_count,
		.workers = build.workers,
		.worker_count = build.worker_count,
		.group_count = build.group_count,
		.worker_group_count = build.worker_group_count };
	rc = planner_plan(&input, &plan);
	if (rc < 0)
		goto out;
	decide_moves(&build, service, &plan, now_ms, &report);
	for (uint32_t i = 0; i < plan.unassigned_count; i++)
		report.unassigned[plan.unassigned[i].reason]++;
	report.hash = plan.hash;
	tell_executor(&build, service, now_ms);
	planner_plan_done(&plan);
	*ret_report = report;
out:
	build_done(&build);
	return rc;
}

static void append(char *text, size_t bytes, size_t *used, const char *between, const char *name, uint32_t count)
{
	int n;

	if (count == 0 || *used >= bytes)
		return;
	n = snprintf(text + *used, bytes - *used, "%s%s %u", between, name, count);
	*used = n < 0 || (size_t)n >= bytes - *used ? bytes : *used + (size_t)n;
}

void balancer_plan_print(const struct balancer_plan_report *report, char *text, size_t bytes)
{
	size_t used = (size_t)snprintf(text, bytes, "%u moves", report->total);
	const char *between = ": ";

	for (int cause = 1; cause < BALANCER_MOVES_CAUSES; cause++) {
		append(text, bytes, &used, between, planner_cause_name((enum planner_cause)cause),
		        report->decided[cause]);
		if (report->decided[cause])
			between = ", ";
	}
	between = "; unassigned: ";
	for (int reason = 1; reason <= PLANNER_REASON_MAX_SHARD_COUNT; reason++) {
		append(text, bytes, &used, between, planner_reason_name((enum planner_reason)reason),
		        report->unassigned[reason]);
		if (report->unassigned[reason])
			between = ", ";
	}
}
