/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Memory for the balancer, or its end: everything that it knows can be read from the view again, so a fresh process is the way out.
 */
#ifndef BALANCER_MEMORY_H
#define BALANCER_MEMORY_H

#include <stddef.h>

void *balancer_memory_zeroed(size_t count, size_t size); /* at least one element; never NULL */
void *balancer_memory_resized(void *memory, size_t count, size_t size);
char *balancer_memory_text(const char *text);

#endif
