/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * survey -> where every shard is to be (planner_level and planner_deal, or planner_search) -> the plan.
 */
#include "planner.h"

#include "planner_deal.h"
#include "planner_digest.h"
#include "planner_level.h"
#include "planner_rules.h"
#include "planner_search.h"
#include "planner_survey.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

struct work {
	struct planner_survey survey;
	uint32_t *target; /* per shard: its container in the end, or PLANNER_NONE */
};

static int plan_plain(struct work *work)
{
	const struct planner_input *input = work->survey.input;
	struct planner_share *shares = malloc(((size_t)input->container_count + 1) * sizeof(*shares));
	struct planner_deal *deal = planner_deal_new(input->container_count);
	struct planner_deal_class class = { .shards = input->shards,
		.count = input->shard_count,
		.shares = shares,
		.share_count = input->container_count,
		.placed = input->shard_count };
	int error = shares && deal ? 0 : SM_ENOMEM;

	if (!error) {
		planner_level_shares(&work->survey, shares);
		planner_deal_class(deal, &class, work->target);
	}
	planner_deal_free(deal);
	free(shares);
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
	work.target = malloc(((size_t)input->shard_count + 1) * sizeof(*work.target));
	if (!work.target)
		error = SM_ENOMEM;
	else if (planner_level_applies(&work.survey))
		error = plan_plain(&work);
	else
		error = planner_search(&work.survey, PLANNER_SEARCH_EXACT, work.target);
	if (!error)
		error = plan_emit(&work, &plan);
	planner_survey_done(&work.survey);
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
