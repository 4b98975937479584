/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One pass over each of the three lists.
 */
#include "planner_survey.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

/* WHY: no early return from the loop; a snapshot is nearly always right, and so only memory limits the speed. */
static bool survey_shards(struct planner_survey *survey)
{
	const struct planner_input *input = survey->input;
	uint32_t containers = input->container_count;
	uint32_t worker_groups = UINT32_MAX, pins = UINT32_MAX;
	uint32_t first_group = input->shard_count ? input->shards[0].group : 0;
	uint32_t other_group = 0;
	bool bad = false;

	for (uint32_t i = 0; i < input->shard_count; i++) {
		const struct planner_shard *shard = &input->shards[i];

		bad |= shard->group >= input->group_count;
		bad |= shard->worker_group >= input->worker_group_count && shard->worker_group != PLANNER_NONE;
		bad |= shard->pin >= containers && shard->pin < PLANNER_ABSENT;
		bad |= shard->owner >= containers && shard->owner < PLANNER_ABSENT;
		other_group |= shard->group ^ first_group;
		worker_groups &= shard->worker_group;
		pins &= shard->pin;
		if (shard->owner < containers)
			survey->held[shard->owner]++;
	}
	survey->plain = other_group == 0 && worker_groups == PLANNER_NONE && pins == PLANNER_NONE;
	return !bad;
}

static bool survey_workers_in_range(const struct planner_input *input)
{
	for (uint32_t i = 0; i < input->worker_count; i++)
		if (input->workers[i].worker_group >= input->worker_group_count ||
		        input->workers[i].container >= input->container_count)
			return false;
	return true;
}

static int compare_containers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Counting sort by worker group, then each list by container, then whatever is there twice is left out. */
static int survey_workers(struct planner_survey *survey)
{
	const struct planner_input *input = survey->input;
	uint32_t groups = input->worker_group_count, kept = 0, start = 0;

	survey->member_start = calloc((size_t)groups + 2, sizeof(*survey->member_start));
	survey->member = malloc(((size_t)input->worker_count + 1) * sizeof(*survey->member));
	survey->has_taker = calloc((size_t)groups + 1, sizeof(*survey->has_taker));
	if (!survey->member_start || !survey->member || !survey->has_taker)
		return SM_ENOMEM;
	for (uint32_t i = 0; i < input->worker_count; i++)
		survey->member_start[input->workers[i].worker_group + 2]++;
	for (uint32_t g = 2; g <= groups; g++)
		survey->member_start[g] += survey->member_start[g - 1];
	for (uint32_t i = 0; i < input->worker_count; i++)
		survey->member[survey->member_start[input->workers[i].worker_group + 1]++] =
		        input->workers[i].container;
	for (uint32_t g = 0; g < groups; g++) {
		uint32_t end = survey->member_start[g + 1], first = kept;

		qsort(survey->member + start, end - start, sizeof(*survey->member), compare_containers);
		for (uint32_t i = start; i < end; i++)
			if (kept == first || survey->member[kept - 1] != survey->member[i])
				survey->member[kept++] = survey->member[i];
		start = end;
		survey->member_start[g] = first;
	}
	survey->member_start[groups] = kept;
	return 0;
}

static void survey_containers(struct planner_survey *survey)
{
	const struct planner_input *input = survey->input;

	for (uint32_t c = 0; c < input->container_count; c++) {
		enum planner_stand stand = PLANNER_OPEN;

		if (input->containers[c].drained)
			stand = PLANNER_DRAINED;
		else if (input->containers[c].cordoned)
			stand = PLANNER_CORDONED;
		else if (input->max_shard_count && survey->held[c] > input->max_shard_count)
			stand = PLANNER_OVERFULL;
		survey->stand[c] = stand;
		survey->taker_count += planner_survey_is_taker(survey, c);
	}
	for (uint32_t g = 0; g < input->worker_group_count; g++)
		for (uint32_t i = survey->member_start[g]; i < survey->member_start[g + 1]; i++)
			survey->has_taker[g] |= planner_survey_is_taker(survey, survey->member[i]);
}

int planner_survey_init(struct planner_survey *ret_survey, const struct planner_input *input)
{
	struct planner_survey survey = { .input = input };
	int error = SM_EINVAL;

	if (input->container_count > PLANNER_ABSENT || input->worker_group_count > PLANNER_ABSENT ||
	        !survey_workers_in_range(input))
		return SM_EINVAL;
	survey.held = calloc((size_t)input->container_count + 1, sizeof(*survey.held));
	survey.stand = malloc(((size_t)input->container_count + 1) * sizeof(*survey.stand));
	if (!survey.held || !survey.stand)
		error = SM_ENOMEM;
	else if (survey_shards(&survey))
		error = survey_workers(&survey);
	if (error) {
		planner_survey_done(&survey);
		return error;
	}
	survey_containers(&survey);
	*ret_survey = survey;
	return 0;
}

void planner_survey_done(struct planner_survey *survey)
{
	free(survey->stand);
	free(survey->held);
	free(survey->member);
	free(survey->member_start);
	free(survey->has_taker);
	memset(survey, 0, sizeof(*survey));
}

bool planner_survey_is_member(const struct planner_survey *survey, uint32_t worker_group, uint32_t container)
{
	uint32_t low, high;

	if (worker_group == PLANNER_NONE)
		return true;
	low = survey->member_start[worker_group];
	high = survey->member_start[worker_group + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (survey->member[middle] == container)
			return true;
		if (survey->member[middle] < container)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool planner_survey_is_taker(const struct planner_survey *survey, uint32_t container)
{
	return survey->stand[container] == PLANNER_OPEN || survey->stand[container] == PLANNER_OVERFULL;
}

void planner_survey_reopen(struct planner_survey *survey, uint32_t container)
{
	survey->stand[container] = PLANNER_OPEN;
}
