/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Allocation that ends the process instead of failing.
 */
#include "balancer_memory.h"

#include "common/log.h"

#include <stdlib.h>
#include <string.h>

void *balancer_memory_zeroed(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		fatalx("out of memory: %zu times %zu bytes", count, size);
	return memory;
}

void *balancer_memory_resized(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count ? count : 1, size);
	if (!memory)
		fatalx("out of memory: %zu times %zu bytes", count, size);
	return memory;
}

char *balancer_memory_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		fatalx("out of memory: %zu bytes", strlen(text) + 1);
	return copy;
}
