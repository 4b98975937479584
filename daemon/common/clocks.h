/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The two clocks of the ownership protocol, and its only arithmetic. CLOCK_BOOTTIME counts suspends, CLOCK_MONOTONIC_RAW is not
 * slewed. A deadline of an owner has passed when EITHER says so; a lock delay has passed when BOTH say so.
 */
#ifndef CLOCKS_H
#define CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

struct clocks {
	uint64_t boot_ns, raw_ns;
};

struct clocks clocks_now(void);
struct clocks clocks_after(struct clocks from, uint64_t ns);
bool clocks_passed_either(struct clocks now, struct clocks deadline); /* boot >= boot or raw >= raw */
bool clocks_passed_both(struct clocks now, struct clocks deadline);

/* How long a proof lasts from the moment it was sent: D = TTL * (1 - drift) - margin, drift 1 %, margin 100 ms. */
#define CLOCKS_MARGIN_MS 100u
static inline uint32_t clocks_belief_ms(uint32_t ttl_s)
{
	return ttl_s * 990u - CLOCKS_MARGIN_MS;
}
/* The lock delay for a record with this beliefMs: G = D * (1 + 2 drift) + 2 margins, rounded up. */
static inline uint64_t clocks_lock_delay_ms(uint32_t belief_ms)
{
	return ((uint64_t)belief_ms * 102u + 99u) / 100u + 2u * CLOCKS_MARGIN_MS;
}

#endif
