/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A pin beats a worker group; a drained container is welcome to nobody, a cordoned one to those that are there.
 */
#include "planner_rules.h"

bool planner_rules_is_welcome(
        const struct planner_survey *survey, const struct planner_class *class, uint32_t container)
{
	if (survey->stand[container] == PLANNER_DRAINED)
		return false;
	if (class->pin != PLANNER_NONE)
		return class->pin == container;
	return planner_survey_is_member(survey, class->worker_group, container);
}

static bool is_over_limit(const struct planner_survey *survey, uint32_t container)
{
	uint32_t max = survey->input->max_shard_count;

	return max && survey->held[container] > max;
}

bool planner_rules_is_kept(const struct planner_survey *survey, const struct planner_class *class, uint32_t container)
{
	return survey->stand[container] == PLANNER_CORDONED && !is_over_limit(survey, container) &&
	       planner_rules_is_welcome(survey, class, container);
}

enum planner_reason planner_rules_reason(const struct planner_survey *survey, const struct planner_shard *shard)
{
	if (shard->pin == PLANNER_ABSENT)
		return PLANNER_REASON_PIN_ABSENT;
	if (shard->pin != PLANNER_NONE)
		return planner_survey_is_taker(survey, shard->pin) ? PLANNER_REASON_MAX_SHARD_COUNT
		                                                   : PLANNER_REASON_PIN_CLOSED;
	if (!survey->taker_count)
		return PLANNER_REASON_NO_CONTAINER;
	if (shard->worker_group != PLANNER_NONE && !survey->has_taker[shard->worker_group])
		return PLANNER_REASON_WORKER_GROUP_EMPTY;
	return PLANNER_REASON_MAX_SHARD_COUNT;
}

enum planner_cause planner_rules_cause(
        const struct planner_survey *survey, const struct planner_shard *shard, bool over_limit)
{
	if (shard->owner == PLANNER_NONE)
		return PLANNER_CAUSE_PLACEMENT;
	if (shard->owner == PLANNER_ABSENT)
		return PLANNER_CAUSE_CONTAINER_LOST;
	if (shard->pin != PLANNER_NONE && shard->pin != shard->owner)
		return PLANNER_CAUSE_PIN;
	if (survey->stand[shard->owner] == PLANNER_DRAINED)
		return PLANNER_CAUSE_CONTAINER_DRAINED;
	if (shard->pin == PLANNER_NONE && !planner_survey_is_member(survey, shard->worker_group, shard->owner))
		return PLANNER_CAUSE_WORKER_GROUP;
	return over_limit ? PLANNER_CAUSE_MAX_SHARD_COUNT : PLANNER_CAUSE_BALANCE;
}
