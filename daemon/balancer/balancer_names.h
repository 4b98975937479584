/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Names as small numbers: groups, worker groups and pins of a service's shards. 0 is always "". The texts are copied.
 */
#ifndef BALANCER_NAMES_H
#define BALANCER_NAMES_H

#include <stdint.h>

#define BALANCER_NAMES_NONE UINT32_MAX

struct balancer_names {
	char **texts;
	uint32_t count, room;
	uint32_t *slots; /* hash table of numbers + 1; 0 = empty */
	uint32_t slot_count;
};

void balancer_names_init(struct balancer_names *names);
void balancer_names_done(struct balancer_names *names);
uint32_t balancer_names_add(struct balancer_names *names, const char *text); /* its number, new or known */
uint32_t balancer_names_find(const struct balancer_names *names, const char *text);
/* Numbers the marked names in the order of their texts: ret_rank[name] = 0, 1, … or BALANCER_NAMES_NONE where used[name] is 0. How many.
 * Both arrays have names->count elements. */
uint32_t balancer_names_rank(const struct balancer_names *names, const uint8_t *used, uint32_t *ret_rank);

#endif
