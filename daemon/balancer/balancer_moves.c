/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Counting moves.
 */
#include "balancer_moves.h"

#include <inttypes.h>
#include <stdio.h>

void balancer_moves_decided(struct balancer_moves *moves, uint8_t cause)
{
	moves->under_way++;
	moves->causes[cause].decided++;
}

void balancer_moves_arrived(struct balancer_moves *moves, uint8_t cause, uint64_t took_ms)
{
	struct balancer_moves_count *count = &moves->causes[cause];

	moves->under_way--;
	count->arrived++;
	count->total_ms += took_ms;
	if (took_ms > count->longest_ms)
		count->longest_ms = took_ms;
}

void balancer_moves_cancelled(struct balancer_moves *moves, uint8_t cause)
{
	moves->under_way--;
	moves->causes[cause].decided--;
}

void balancer_moves_print(
        const struct balancer_moves *moves, const struct balancer_moves *before, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int cause = 1; cause < BALANCER_MOVES_CAUSES; cause++) {
		const struct balancer_moves_count *count = &moves->causes[cause], *was = &before->causes[cause];
		uint64_t arrived = count->arrived - was->arrived;
		int n;

		if (arrived == 0)
			continue;
		n = snprintf(text + used, bytes - used, "%s%s %" PRIu64 " (mean %" PRIu64 " ms)", used ? ", " : "",
		        planner_cause_name((enum planner_cause)cause), arrived,
		        (count->total_ms - was->total_ms) / arrived);
		if (n < 0 || (size_t)n >= bytes - used)
			return;
		used += (size_t)n;
	}
}
