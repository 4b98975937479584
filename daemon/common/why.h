/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The text that goes with an error: what, where, and what to do about it. Filled by the function that found the trouble, handed
 * upward unchanged, shown once by whoever talks to people.
 */
#ifndef WHY_H
#define WHY_H

#include <stdarg.h>
#include <stddef.h>

struct why {
	char text[1024];
};

/* Formats into why (NULL is fine) and returns error, so that `return why_set(why, SM_EINVAL, …)` reads well. */
int why_set(struct why *why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The known name nearest to name by edit distance, or NULL when none is near enough to be meant. names ends with NULL. */
const char *why_nearest(const char *name, const char *const *names);

#endif
