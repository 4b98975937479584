/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The lists are made once, so that a class costs no more than what it gets.
 */
#include "planner_reach.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

static uint32_t list_of(const struct planner_reach *reach, const struct planner_class *class)
{
	return class->worker_group == PLANNER_NONE ? reach->survey->input->worker_group_count : class->worker_group;
}

/* An even share, rounded down. */
static uint32_t even_share(const struct planner_survey *survey)
{
	return survey->taker_count ? survey->input->shard_count / survey->taker_count : 0;
}

static void add_container(
        struct planner_reach *reach, uint32_t container, uint32_t share, uint32_t *open, uint32_t *low)
{
	if (reach->survey->stand[container] != PLANNER_OPEN)
		return;
	reach->open[(*open)++] = container;
	if (reach->survey->held[container] < share)
		reach->low[(*low)++] = container;
}

static void make_lists(struct planner_reach *reach)
{
	const struct planner_survey *survey = reach->survey;
	uint32_t groups = survey->input->worker_group_count, open = 0, low = 0, share = even_share(survey);

	for (uint32_t g = 0; g < groups; g++) {
		reach->open_start[g] = open;
		reach->low_start[g] = low;
		for (uint32_t i = survey->member_start[g]; i < survey->member_start[g + 1]; i++)
			add_container(reach, survey->member[i], share, &open, &low);
	}
	reach->open_start[groups] = open;
	reach->low_start[groups] = low;
	for (uint32_t c = 0; c < survey->input->container_count; c++)
		add_container(reach, c, share, &open, &low);
	reach->open_start[groups + 1] = open;
	reach->low_start[groups + 1] = low;
}

static bool is_small(const struct planner_reach *reach, const struct planner_classes *classes)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < classes->count; i++) {
		uint32_t list = list_of(reach, &classes->list[i]);

		total += classes->list[i].pin == PLANNER_NONE ? reach->open_start[list + 1] - reach->open_start[list]
		                                              : 1;
	}
	return total <= PLANNER_REACH_EXACT;
}

int planner_reach_init(
        struct planner_reach *ret_reach, const struct planner_survey *survey, const struct planner_classes *classes)
{
	const struct planner_input *input = survey->input;
	size_t lists = (size_t)input->worker_group_count + 2, all = (size_t)input->container_count + 1;
	struct planner_reach reach = { .survey = survey };

	reach.open_start = malloc(lists * sizeof(*reach.open_start));
	reach.low_start = malloc(lists * sizeof(*reach.low_start));
	reach.open = malloc((input->worker_count + all) * sizeof(*reach.open));
	reach.low = malloc((input->worker_count + all) * sizeof(*reach.low));
	reach.list = malloc(all * sizeof(*reach.list));
	reach.is_listed = calloc(all, sizeof(*reach.is_listed));
	if (!reach.open_start || !reach.low_start || !reach.open || !reach.low || !reach.list || !reach.is_listed) {
		planner_reach_done(&reach);
		return SM_ENOMEM;
	}
	make_lists(&reach);
	reach.width = is_small(&reach, classes) ? 0 : PLANNER_REACH_NARROWEST;
	*ret_reach = reach;
	return 0;
}

void planner_reach_done(struct planner_reach *reach)
{
	free(reach->open);
	free(reach->open_start);
	free(reach->low);
	free(reach->low_start);
	free(reach->list);
	free(reach->is_listed);
	memset(reach, 0, sizeof(*reach));
}

bool planner_reach_has_any(const struct planner_reach *reach, const struct planner_class *class)
{
	uint32_t list = list_of(reach, class);

	if (class->pin == PLANNER_ABSENT)
		return false;
	if (class->pin != PLANNER_NONE)
		return reach->survey->stand[class->pin] == PLANNER_OPEN;
	return reach->open_start[list + 1] > reach->open_start[list];
}

/* Adds wanted containers of a list, or all, at even distances, shifted by the class's number. */
static void choose(struct planner_reach *reach, const uint32_t *from, uint32_t count, uint64_t wanted, uint32_t number,
        uint32_t *listed)
{
	uint32_t shift = wanted < count ? (uint32_t)(number * UINT64_C(0x9e3779b1) % count) : 0;

	if (wanted > count)
		wanted = count;
	for (uint64_t i = 0; i < wanted; i++) {
		uint64_t place = i * count / wanted + shift;
		uint32_t container = from[place < count ? place : place - count];

		if (!reach->is_listed[container])
			reach->list[(*listed)++] = container;
		reach->is_listed[container] = true;
	}
}

const uint32_t *planner_reach_class(
        struct planner_reach *reach, const struct planner_class *class, uint32_t number, uint32_t *ret_count)
{
	uint32_t list = list_of(reach, class), listed = 0;
	const uint32_t *open = reach->open + reach->open_start[list], *low = reach->low + reach->low_start[list];
	uint32_t open_count = reach->open_start[list + 1] - reach->open_start[list];
	uint32_t low_count = reach->low_start[list + 1] - reach->low_start[list];

	*ret_count = open_count;
	if (!planner_reach_has_any(reach, class)) {
		*ret_count = 0;
		return open;
	}
	if (class->pin != PLANNER_NONE) {
		*ret_count = 1;
		return &class->pin;
	}
	if (!reach->width)
		return open;
	choose(reach, low, low_count, reach->width + class->count + class->count / 4, number, &listed);
	choose(reach, open, open_count, reach->width, number, &listed);
	for (uint32_t i = 0; i < listed; i++)
		reach->is_listed[reach->list[i]] = false;
	*ret_count = listed;
	return reach->list;
}
