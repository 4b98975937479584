/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A table of texts with open addressing (FNV-1a).
 */
#include "balancer_names.h"

#include "balancer_memory.h"

#include <stdlib.h>
#include <string.h>

static uint32_t *slot_of(const struct balancer_names *names, const char *text)
{
	uint32_t hash = 2166136261u;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		hash = (hash ^ *c) * 16777619u;
	for (uint32_t i = hash & (names->slot_count - 1);; i = (i + 1) & (names->slot_count - 1)) {
		uint32_t number = names->slots[i];

		if (number == 0 || strcmp(names->texts[number - 1], text) == 0)
			return &names->slots[i];
	}
}

static void grow(struct balancer_names *names)
{
	names->room = names->room ? names->room * 2 : 16;
	names->slot_count = names->room * 2;
	names->texts = balancer_memory_resized(names->texts, names->room, sizeof(*names->texts));
	free(names->slots);
	names->slots = balancer_memory_zeroed(names->slot_count, sizeof(*names->slots));
	for (uint32_t i = 0; i < names->count; i++)
		*slot_of(names, names->texts[i]) = i + 1;
}

void balancer_names_init(struct balancer_names *names)
{
	*names = (struct balancer_names){ 0 };
	balancer_names_add(names, "");
}

void balancer_names_done(struct balancer_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->texts[i]);
	free(names->texts);
	free(names->slots);
	*names = (struct balancer_names){ 0 };
}

uint32_t balancer_names_add(struct balancer_names *names, const char *text)
{
	uint32_t *slot;

	if (text[0] == '\0' && names->count)
		return 0;
	if (names->count == names->room)
		grow(names);
	slot = slot_of(names, text);
	if (*slot == 0) {
		names->texts[names->count++] = balancer_memory_text(text);
		*slot = names->count;
	}
	return *slot - 1;
}

uint32_t balancer_names_find(const struct balancer_names *names, const char *text)
{
	uint32_t number = *slot_of(names, text);

	return number == 0 ? BALANCER_NAMES_NONE : number - 1;
}

struct ranked {
	const char *text;
	uint32_t name;
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(((const struct ranked *)a)->text, ((const struct ranked *)b)->text);
}

uint32_t balancer_names_rank(const struct balancer_names *names, const uint8_t *used, uint32_t *ret_rank)
{
	struct ranked *ranked = balancer_memory_zeroed(names->count, sizeof(*ranked));
	uint32_t count = 0;

	for (uint32_t i = 0; i < names->count; i++) {
		ret_rank[i] = BALANCER_NAMES_NONE;
		if (used[i])
			ranked[count++] = (struct ranked){ .text = names->texts[i], .name = i };
	}
	qsort(ranked, count, sizeof(*ranked), compare_texts);
	for (uint32_t i = 0; i < count; i++)
		ret_rank[ranked[i].name] = i;
	free(ranked);
	return count;
}
