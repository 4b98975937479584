/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Counters of moves and placements by cause: how many were decided, how many have arrived, and how long that took.
 */
#ifndef BALANCER_MOVES_H
#define BALANCER_MOVES_H

#include "planner/planner.h"

#include <stddef.h>

#define BALANCER_MOVES_CAUSES (PLANNER_CAUSE_BALANCE + 1)

struct balancer_moves {
	uint32_t under_way;
	struct balancer_moves_count {
		uint64_t decided, arrived, total_ms, longest_ms;
	} causes[BALANCER_MOVES_CAUSES];
};

void balancer_moves_decided(struct balancer_moves *moves, uint8_t cause);
void balancer_moves_arrived(struct balancer_moves *moves, uint8_t cause, uint64_t took_ms);
void balancer_moves_cancelled(struct balancer_moves *moves, uint8_t cause); /* another decision took its place */
/* "balance 250 (mean 12 ms, longest 40 ms), pin 1 (…)": what arrived since `before`; text holds bytes. */
void balancer_moves_print(
        const struct balancer_moves *moves, const struct balancer_moves *before, char *text, size_t bytes);

#endif
