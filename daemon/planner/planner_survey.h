/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * First look at a snapshot: are all numbers in range, what does each container hold and what may happen to it, who
 * belongs to which worker group, and is it the plain case that needs no search.
 */
#ifndef PLANNER_SURVEY_H
#define PLANNER_SURVEY_H

#include "planner.h"

enum planner_stand {
	PLANNER_OPEN,     /* takes and gives */
	PLANNER_OVERFULL, /* holds more than max_shard_count: gives, takes nothing */
	PLANNER_CORDONED, /* keeps what max_shard_count allows, takes nothing */
	PLANNER_DRAINED   /* gives everything, takes nothing */
};

struct planner_survey {
	const struct planner_input *input;
	enum planner_stand *stand; /* per container */
	uint32_t *held;            /* per container: shards it owns now */
	uint32_t taker_count;      /* containers neither cordoned nor drained */
	uint32_t *member;          /* containers by worker group, ascending within each, each once */
	uint32_t *member_start;    /* worker_group_count + 1 places in member */
	bool *has_taker;           /* per worker group: is a member neither cordoned nor drained? */
	bool plain;                /* one group, no worker group, no pin */
};

/* 0, SM_EINVAL (a number out of range) or SM_ENOMEM. The survey refers to input. */
int planner_survey_init(struct planner_survey *ret_survey, const struct planner_input *input);
void planner_survey_done(struct planner_survey *survey);

/* Does container belong to worker_group (which may be PLANNER_NONE: yes)? */
bool planner_survey_is_member(const struct planner_survey *survey, uint32_t worker_group, uint32_t container);

/* Is container neither cordoned nor drained? Then its count matters to the balance. */
bool planner_survey_is_taker(const struct planner_survey *survey, uint32_t container);

/* Lets a container that is over max_shard_count take shards, because a plan was found that brings it below. */
void planner_survey_reopen(struct planner_survey *survey, uint32_t container);

#endif
