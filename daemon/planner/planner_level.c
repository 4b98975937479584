/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * With n shards for k containers, q = n div k and r = n mod k, r of them get q + 1: first those that hold more than q,
 * because each of these saves a move; then by number.
 */
#include "planner_level.h"

/* WHY: a container over max_shard_count counts among the k; where the limit leaves room for all, it will be below. */
struct level {
	uint32_t shards, containers; /* n and k */
};

/* False when a cordoned container has to give some away: then it is not plain. */
static bool level_count(const struct planner_survey *survey, struct level *ret_level)
{
	const struct planner_input *input = survey->input;
	struct level level = { .shards = input->shard_count, .containers = survey->taker_count };

	for (uint32_t c = 0; c < input->container_count; c++) {
		if (survey->stand[c] != PLANNER_CORDONED)
			continue;
		if (input->max_shard_count && survey->held[c] > input->max_shard_count)
			return false;
		level.shards -= survey->held[c];
	}
	*ret_level = level;
	return true;
}

bool planner_level_applies(const struct planner_survey *survey)
{
	uint64_t max = survey->input->max_shard_count;
	struct level level;

	if (!survey->plain || !level_count(survey, &level) || !level.containers)
		return false;
	return !max || max * level.containers >= level.shards;
}

/* How many of the r larger counts are left for containers that hold no more than q. */
static uint32_t count_spare(const struct planner_survey *survey, uint32_t q, uint32_t r)
{
	for (uint32_t c = 0; c < survey->input->container_count && r; c++)
		r -= planner_survey_is_taker(survey, c) && survey->held[c] > q;
	return r;
}

void planner_level_shares(const struct planner_survey *survey, struct planner_share *shares)
{
	struct level level = { 0 };
	uint32_t q, r, spare;

	level_count(survey, &level);
	q = level.shards / level.containers;
	r = level.shards % level.containers;
	spare = count_spare(survey, q, r);
	r -= spare;
	for (uint32_t c = 0; c < survey->input->container_count; c++) {
		uint32_t held = survey->held[c], want = q;
		uint32_t *extra = held > q ? &r : &spare;

		if (planner_survey_is_taker(survey, c)) {
			if (*extra) {
				(*extra)--;
				want++;
			}
		} else {
			want = survey->stand[c] == PLANNER_CORDONED ? held : 0;
		}
		shares[c].container = c;
		shares[c].stay = held < want ? held : want;
		shares[c].come = want - shares[c].stay;
	}
}
