/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The two clocks and their comparisons.
 */
#include "clocks.h"

#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct clocks clocks_now(void)
{
	return (struct clocks){ .boot_ns = read_ns(CLOCK_BOOTTIME), .raw_ns = read_ns(CLOCK_MONOTONIC_RAW) };
}

struct clocks clocks_after(struct clocks from, uint64_t ns)
{
	return (struct clocks){ .boot_ns = from.boot_ns + ns, .raw_ns = from.raw_ns + ns };
}

bool clocks_passed_either(struct clocks now, struct clocks deadline)
{
	return now.boot_ns >= deadline.boot_ns || now.raw_ns >= deadline.raw_ns;
}

bool clocks_passed_both(struct clocks now, struct clocks deadline)
{
	return now.boot_ns >= deadline.boot_ns && now.raw_ns >= deadline.raw_ns;
}
