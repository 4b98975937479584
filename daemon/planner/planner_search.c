/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Within the limit one network says it all. Above, there are two: the first without groups, which is small and settles
 * placement, rules and counts; the second with groups, which starts from the first one's outcome and makes the groups even within a
 * narrow reach.
 */
#include "planner_search.h"

#include "planner_deal.h"
#include "planner_network.h"
#include "planner_rank.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

/* How many containers the narrow reach has for a class that is even already. */
#define LEAST_SAMPLE 2u
#define MOST_SAMPLE 64u
#define LIKELY_PAIRS (1u << 17)

/* Opens the containers that this network brings within max_shard_count; true if there are any. */
static bool reopen(struct planner_survey *survey, const struct planner_network *network)
{
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
static int find_network(struct planner_survey *survey, struct planner_classes *classes, uint32_t sample,
        struct planner_reach *reach, struct planner_network **ret_network)
{
	struct planner_network *network = NULL;
	int error;

	do {
		planner_network_free(network);
		network = NULL;
		planner_reach_done(reach);
		error = planner_reach_init(reach, survey);
		reach->sample = sample;
		if (!error)
			error = planner_network_new(reach, classes, &network);
	} while (!error && reopen(survey, network));
	if (!error)
		*ret_network = network;
	return error;
}

static int deal_all(const struct planner_input *input, struct planner_network *network,
        const struct planner_classes *classes, const uint32_t *come_order, uint32_t *target)
{
	struct planner_share *shares = malloc(((size_t)input->container_count + 1) * sizeof(*shares));
	struct planner_deal *deal = planner_deal_new(input->container_count);
	int error = shares && deal ? 0 : SM_ENOMEM;

	for (uint32_t i = 0; i < classes->count && !error; i++) {
		struct planner_deal_class class = { .shards = input->shards, .shares = shares };

		class.stay_order = classes->order + classes->list[i].first;
		class.come_order = come_order + classes->list[i].first;
		class.count = classes->list[i].count;
		class.placed = planner_network_shares(network, i, shares, &class.share_count);
		planner_deal_class(deal, &class, target);
	}
	planner_deal_free(deal);
	free(shares);
	return error;
}

/* come_order: NULL, or the order in which shards of a class are dealt, where that is not the order in which they stay. */
static int search_once(struct planner_survey *survey, struct planner_classes *classes, const uint32_t *come_order,
        uint32_t sample, uint32_t *target)
{
	struct planner_reach reach = { 0 };
	struct planner_network *network = NULL;
	int error = find_network(survey, classes, sample, &reach, &network);

	if (!error)
		error = deal_all(survey->input, network, classes, come_order ? come_order : classes->order, target);
	planner_network_free(network);
	planner_reach_done(&reach);
	return error;
}

/* As if there were one group. Those of a class that a container has too many of leave first, and a class's shards are
 * dealt one after the other, so that its group is nearly even already. */
static int search_without_groups(struct planner_survey *survey, const struct planner_reach *reach,
        const struct planner_classes *classes, uint32_t *target)
{
	struct planner_classes staying = { 0 }, coming = { 0 };
	uint32_t *sequence = planner_rank(reach, classes);
	int error = sequence ? 0 : SM_ENOMEM;

	if (!error)
		error = planner_classes_init(&staying, survey, false, sequence);
	if (!error)
		error = planner_classes_init(&coming, survey, false, classes->order);
	if (!error)
		error = search_once(survey, &staying, coming.order, 0, target);
	planner_classes_done(&staying);
	planner_classes_done(&coming);
	free(sequence);
	return error;
}

/* From the outcome in target, with the groups. */
static int search_groups(struct planner_survey *survey, struct planner_classes *classes, uint32_t *target)
{
	uint32_t sample = LIKELY_PAIRS / (classes->count + 1);

	sample = sample < LEAST_SAMPLE ? LEAST_SAMPLE : sample < MOST_SAMPLE ? sample : MOST_SAMPLE;
	planner_classes_start(classes, target);
	return search_once(survey, classes, NULL, sample, target);
}

/* With one group the first network would be the whole of it. */
static bool is_exact(const struct planner_reach *reach, const struct planner_classes *classes, uint64_t exact)
{
	bool one_group = !classes->count || classes->list[0].group == classes->list[classes->count - 1].group;

	return one_group || planner_reach_size(reach, classes) <= exact;
}

int planner_search(struct planner_survey *survey, uint64_t exact, uint32_t *target)
{
	struct planner_reach reach = { 0 };
	struct planner_classes classes = { 0 };
	int error = planner_classes_init(&classes, survey, true, NULL);

	if (!error)
		error = planner_reach_init(&reach, survey);
	if (error)
		goto out;
	if (is_exact(&reach, &classes, exact)) {
		error = search_once(survey, &classes, NULL, 0, target);
	} else {
		error = search_without_groups(survey, &reach, &classes, target);
		if (!error)
			error = search_groups(survey, &classes, target);
	}
out:
	planner_reach_done(&reach);
	planner_classes_done(&classes);
	return error;
}
