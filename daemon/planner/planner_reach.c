/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The lists of open containers are made once; a narrow choice costs no more than the class has shards, or little more.
 */
#include "planner_reach.h"

#include "planner_rules.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

static void make_lists(struct planner_reach *reach)
{
	const struct planner_survey *survey = reach->survey;
	uint32_t groups = survey->input->worker_group_count, open = 0;

	for (uint32_t g = 0; g < groups; g++) {
		reach->open_start[g] = open;
		for (uint32_t i = survey->member_start[g]; i < survey->member_start[g + 1]; i++)
			if (survey->stand[survey->member[i]] == PLANNER_OPEN)
				reach->open[open++] = survey->member[i];
	}
	reach->open_start[groups] = open;
	for (uint32_t c = 0; c < survey->input->container_count; c++)
		if (survey->stand[c] == PLANNER_OPEN)
			reach->open[open++] = c;
	reach->open_start[groups + 1] = open;
}

int planner_reach_init(struct planner_reach *ret_reach, const struct planner_survey *survey)
{
	const struct planner_input *input = survey->input;
	size_t all = (size_t)input->container_count + 1;
	struct planner_reach reach = { .survey = survey };

	reach.open_start = malloc(((size_t)input->worker_group_count + 2) * sizeof(*reach.open_start));
	reach.open = malloc((input->worker_count + all) * sizeof(*reach.open));
	reach.list = malloc(all * sizeof(*reach.list));
	reach.is_listed = calloc(all, sizeof(*reach.is_listed));
	if (!reach.open_start || !reach.open || !reach.list || !reach.is_listed) {
		planner_reach_done(&reach);
		return SM_ENOMEM;
	}
	make_lists(&reach);
	*ret_reach = reach;
	return 0;
}

void planner_reach_done(struct planner_reach *reach)
{
	free(reach->open);
	free(reach->open_start);
	free(reach->list);
	free(reach->is_listed);
	memset(reach, 0, sizeof(*reach));
}

const uint32_t *planner_reach_open(
        const struct planner_reach *reach, const struct planner_class *class, uint32_t *ret_count)
{
	uint32_t list = class->worker_group;

	if (class->pin != PLANNER_NONE) {
		*ret_count = class->pin != PLANNER_ABSENT && reach->survey->stand[class->pin] == PLANNER_OPEN;
		return &class->pin;
	}
	if (list == PLANNER_NONE)
		list = reach->survey->input->worker_group_count;
	*ret_count = reach->open_start[list + 1] - reach->open_start[list];
	return reach->open + reach->open_start[list];
}

uint64_t planner_reach_size(const struct planner_reach *reach, const struct planner_classes *classes)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < classes->count; i++) {
		uint32_t count;

		planner_reach_open(reach, &classes->list[i], &count);
		size += count;
	}
	return size;
}

uint32_t planner_reach_fixed(const struct planner_reach *reach, const struct planner_class *class)
{
	uint32_t count;

	planner_reach_open(reach, class, &count);
	return reach->sample && count ? class->count / count : 0;
}

static void list_add(struct planner_reach *reach, uint32_t container, uint32_t *listed)
{
	if (!reach->is_listed[container])
		reach->list[(*listed)++] = container;
	reach->is_listed[container] = true;
}

/* The i-th of wanted places in a list, at even distances, shifted by the class's number. */
static uint32_t comb(uint64_t i, uint32_t wanted, uint32_t count, uint32_t number)
{
	uint64_t place = i * count / wanted + number * UINT64_C(0x9e3779b1) % count;

	return (uint32_t)(place < count ? place : place - count);
}

static bool is_open_to(const struct planner_reach *reach, const struct planner_class *class, uint32_t container)
{
	return reach->survey->stand[container] == PLANNER_OPEN &&
	       planner_rules_is_welcome(reach->survey, class, container);
}

/* Adds the containers with more of the class than an even share, and some of the others that have any. Answers how many
 * shards are too many where they are, or nowhere. */
static uint32_t list_holders(struct planner_reach *reach, const struct planner_class *class,
        const struct planner_hold *holds, uint32_t number, uint32_t most, uint32_t *listed)
{
	uint32_t excess = class->adrift;
	uint32_t wanted = class->hold_count < reach->sample ? class->hold_count : reach->sample;

	for (uint32_t i = 0; i < class->hold_count; i++) {
		if (holds[i].start <= most || !is_open_to(reach, class, holds[i].container))
			continue;
		excess += holds[i].start - most;
		list_add(reach, holds[i].container, listed);
	}
	for (uint32_t i = 0; i < wanted; i++) {
		uint32_t container = holds[comb(i, wanted, class->hold_count, number)].container;

		if (is_open_to(reach, class, container))
			list_add(reach, container, listed);
	}
	return excess;
}

const uint32_t *planner_reach_class(struct planner_reach *reach, const struct planner_class *class, uint32_t number,
        const struct planner_hold *holds, const uint32_t *place, uint32_t *ret_count)
{
	uint32_t count, listed = 0, share, wanted;
	const uint32_t *open = planner_reach_open(reach, class, &count);
	uint64_t excess;

	*ret_count = count;
	if (!reach->sample || count <= 1)
		return open;
	share = class->count / count;
	excess = list_holders(reach, class, holds, number, share + (class->count % count != 0), &listed);
	for (uint32_t i = 0; share && i < count; i++)
		if (!place[open[i]] || holds[place[open[i]] - 1].start < share)
			list_add(reach, open[i], &listed);
	excess += reach->sample + excess / 4;
	wanted = excess < count ? (uint32_t)excess : count;
	for (uint32_t i = 0; i < wanted; i++)
		list_add(reach, open[comb(i, wanted, count, number)], &listed);
	for (uint32_t i = 0; i < listed; i++)
		reach->is_listed[reach->list[i]] = false;
	*ret_count = listed;
	return reach->list;
}
