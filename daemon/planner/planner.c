/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * survey -> how many of each class go where (planner_level or planner_network) -> which shards (planner_deal) -> the plan.
 */
#include "planner.h"

#include "planner_classes.h"
#include "planner_deal.h"
#include "planner_digest.h"
#include "planner_level.h"
#include "planner_network.h"
#include "planner_rules.h"
#include "planner_survey.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

struct work {
	struct planner_survey survey;
	struct planner_deal *deal;
	struct planner_share *shares; /* one per container */
	uint32_t *target;             /* per shard: its container in the end, or PLANNER_NONE */
};

static void plan_plain(struct work *work)
{
	const struct planner_input *input = work->survey.input;
	uint32_t leaving = planner_level_shares(&work->survey, work->shares);

	(void)leaving;
	planner_deal_class(work->deal, input->shards, NULL, input->shard_count, work->shares, input->container_count,
	        input->shard_count, work->target);
}

/* Reopens the containers that this plan brings within max_shard_count; true if there are any. */
static bool reopen(struct work *work, const struct planner_network *network)
{
	struct planner_survey *survey = &work->survey;
	bool any = false;

	for (uint32_t c = 0; c < survey->input->container_count; c++) {
		if (survey->stand[c] != PLANNER_OVERFULL ||
		        planner_network_total(network, c) > survey->input->max_shard_count)
			continue;
		planner_survey_reopen(survey, c);
		any = true;
	}
	return any;
}

/* A container over its limit is planned as taking nothing; if that brings it within the limit, it may take some after all. */
static int plan_restricted(struct work *work)
{
	struct planner_classes classes;
	struct planner_network *network = NULL;
	int error = planner_classes_init(&classes, &work->survey);

	if (error)
		return error;
	do {
		planner_network_free(network);
		network = NULL;
		error = planner_network_new(&work->survey, &classes, &network);
	} while (!error && reopen(work, network));
	for (uint32_t i = 0; i < classes.count && !error; i++) {
		const struct planner_class *class = &classes.list[i];
		uint32_t count, placed = planner_network_shares(network, i, work->shares, &count);

		planner_deal_class(work->deal, work->survey.input->shards, classes.order + class->first, class->count,
		        work->shares, count, placed, work->target);
	}
	planner_network_free(network);
	planner_classes_done(&classes);
	return error;
}

static int plan_allocate(const struct work *work, struct planner_plan *plan)
{
	const struct planner_input *input = work->survey.input;
	uint32_t moves = 0, unassigned = 0;

	for (uint32_t i = 0; i < input->shard_count; i++) {
		unassigned += work->target[i] == PLANNER_NONE;
		moves += work->target[i] != PLANNER_NONE && work->target[i] != input->shards[i].owner;
	}
	plan->moves = malloc(((size_t)moves + 1) * sizeof(*plan->moves));
	plan->unassigned = malloc(((size_t)unassigned + 1) * sizeof(*plan->unassigned));
	return plan->moves && plan->unassigned ? 0 : SM_ENOMEM;
}

/* How many shards more than max_shard_count a container has that is not drained. */
static uint32_t excess_of(const struct planner_survey *survey, uint32_t container)
{
	uint32_t max = survey->input->max_shard_count;

	if (!max || survey->stand[container] == PLANNER_DRAINED || survey->held[container] <= max)
		return 0;
	return survey->held[container] - max;
}

/* Writes the plan in the order of the shards. excess: per container, counted down. */
static void plan_write(const struct work *work, uint32_t *excess, struct planner_plan *plan)
{
	const struct planner_input *input = work->survey.input;

	for (uint32_t i = 0; i < input->shard_count; i++) {
		const struct planner_shard *shard = &input->shards[i];
		bool alive = shard->owner < input->container_count, over;

		if (work->target[i] == shard->owner && alive)
			continue;
		if (work->target[i] == PLANNER_NONE) {
			plan->unassigned[plan->unassigned_count++] =
			        (struct planner_unassigned){ i, planner_rules_reason(&work->survey, shard) };
			continue;
		}
		over = alive && excess[shard->owner];
		if (over)
			excess[shard->owner]--;
		plan->moves[plan->move_count++] = (struct planner_move){ i, shard->owner, work->target[i],
			planner_rules_cause(&work->survey, shard, over) };
	}
}

static int plan_emit(const struct work *work, struct planner_plan *plan)
{
	uint32_t containers = work->survey.input->container_count;
	uint32_t *excess = malloc(((size_t)containers + 1) * sizeof(*excess));

	if (!excess || plan_allocate(work, plan)) {
		free(excess);
		return SM_ENOMEM;
	}
	for (uint32_t c = 0; c < containers; c++)
		excess[c] = excess_of(&work->survey, c);
	plan_write(work, excess, plan);
	free(excess);
	plan->hash = planner_digest(&work->survey, plan);
	return 0;
}

int planner_plan(const struct planner_input *input, struct planner_plan *ret_plan)
{
	struct planner_plan plan = { 0 };
	struct work work = { 0 };
	int error = planner_survey_init(&work.survey, input);

	if (error)
		return error;
	error = SM_ENOMEM;
	work.deal = planner_deal_new(input->container_count);
	work.shares = malloc(((size_t)input->container_count + 1) * sizeof(*work.shares));
	work.target = malloc(((size_t)input->shard_count + 1) * sizeof(*work.target));
	if (!work.deal || !work.shares || !work.target)
		goto out;
	error = 0;
	if (planner_level_applies(&work.survey))
		plan_plain(&work);
	else
		error = plan_restricted(&work);
	if (!error)
		error = plan_emit(&work, &plan);
out:
	planner_survey_done(&work.survey);
	planner_deal_free(work.deal);
	free(work.shares);
	free(work.target);
	if (error)
		planner_plan_done(&plan);
	else
		*ret_plan = plan;
	return error;
}

void planner_plan_done(struct planner_plan *plan)
{
	free(plan->moves);
	free(plan->unassigned);
	memset(plan, 0, sizeof(*plan));
}

const char *planner_cause_name(enum planner_cause cause)
{
	switch (cause) {
	case PLANNER_CAUSE_PLACEMENT:
		return "placement";
	case PLANNER_CAUSE_CONTAINER_LOST:
		return "container-lost";
	case PLANNER_CAUSE_CONTAINER_DRAINED:
		return "container-drained";
	case PLANNER_CAUSE_PIN:
		return "pin";
	case PLANNER_CAUSE_WORKER_GROUP:
		return "worker-group";
	case PLANNER_CAUSE_MAX_SHARD_COUNT:
		return "max-shard-count";
	case PLANNER_CAUSE_BALANCE:
		return "balance";
	}
	return "unknown";
}

const char *planner_reason_name(enum planner_reason reason)
{
	switch (reason) {
	case PLANNER_REASON_NO_CONTAINER:
		return "no-container";
	case PLANNER_REASON_PIN_ABSENT:
		return "pin-absent";
	case PLANNER_REASON_PIN_CLOSED:
		return "pin-closed";
	case PLANNER_REASON_WORKER_GROUP_EMPTY:
		return "worker-group-empty";
	case PLANNER_REASON_MAX_SHARD_COUNT:
		return "max-shard-count";
	}
	return "unknown";
}
