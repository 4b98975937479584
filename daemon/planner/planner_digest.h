/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A plan's hash: the same numbers give the same hash on any machine. Not cryptographic.
 */
#ifndef PLANNER_DIGEST_H
#define PLANNER_DIGEST_H

#include "planner_survey.h"

uint64_t planner_digest(const struct planner_survey *survey, const struct planner_plan *plan);

#endif
