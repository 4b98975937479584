/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reading the containers of a service out of the view.
 */
#include "balancer_containers.h"

#include "balancer_memory.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct balancer_container *)a)->id, ((const struct balancer_container *)b)->id);
}

static int compare_view_numbers(const void *a, const void *b, void *arg)
{
	const struct balancer_container *items = arg;
	uint32_t x = items[*(const uint32_t *)a].view_number, y = items[*(const uint32_t *)b].view_number;

	return x < y ? -1 : x > y;
}

static void sort(struct balancer_containers *containers)
{
	if (containers->count)
		qsort(containers->items, containers->count, sizeof(*containers->items), compare_ids);
	containers->by_view_number = balancer_memory_zeroed(containers->count, sizeof(*containers->by_view_number));
	for (uint32_t i = 0; i < containers->count; i++)
		containers->by_view_number[i] = i;
	qsort_r(containers->by_view_number, containers->count, sizeof(*containers->by_view_number),
	        compare_view_numbers, containers->items);
}

void balancer_containers_read(const struct view *view, uint32_t service, struct balancer_containers *ret_containers)
{
	struct balancer_containers read = { 0 };
	uint32_t room = 0;

	for (uint32_t row = view_container_first(view, service); row != VIEW_NONE;
	        row = view_container_next(view, row)) {
		struct view_container container;

		view_container_get(view, row, &container);
		if (!container.alive || !container.ours)
			continue;
		if (read.count == room) {
			room = room ? room * 2 : 16;
			read.items = balancer_memory_resized(read.items, room, sizeof(*read.items));
		}
		read.items[read.count++] = (struct balancer_container){ .id = balancer_memory_text(container.id),
			.view_number = container.number,
			.incarnation = container.incarnation };
	}
	sort(&read);
	*ret_containers = read;
}

void balancer_containers_done(struct balancer_containers *containers)
{
	for (uint32_t i = 0; i < containers->count; i++)
		free(containers->items[i].id);
	free(containers->items);
	free(containers->by_view_number);
	*containers = (struct balancer_containers){ 0 };
}

uint32_t balancer_containers_find(const struct balancer_containers *containers, const char *id)
{
	uint32_t low = 0, high = containers->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(containers->items[middle].id, id);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return BALANCER_CONTAINERS_NONE;
}

uint32_t balancer_containers_by_view_number(const struct balancer_containers *containers, uint32_t view_number)
{
	uint32_t low = 0, high = containers->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, index = containers->by_view_number[middle];

		if (containers->items[index].view_number == view_number)
			return index;
		if (containers->items[index].view_number < view_number)
			low = middle + 1;
		else
			high = middle;
	}
	return BALANCER_CONTAINERS_NONE;
}

bool balancer_containers_match(
        const struct balancer_containers *were, struct balancer_containers *are, uint32_t *ret_is, bool *ret_anew)
{
	bool changed = were->count != are->count;

	for (uint32_t i = 0; i < were->count; i++) {
		const struct balancer_container *was = &were->items[i];
		struct balancer_container *is;

		ret_is[i] = balancer_containers_find(are, was->id);
		ret_anew[i] = true;
		changed |= ret_is[i] == BALANCER_CONTAINERS_NONE;
		if (ret_is[i] == BALANCER_CONTAINERS_NONE)
			continue;
		is = &are->items[ret_is[i]];
		ret_anew[i] = is->incarnation != was->incarnation;
		changed |= ret_anew[i];
		if (!ret_anew[i]) {
			is->requests = was->requests;
			is->untaken = was->untaken;
		}
	}
	return changed;
}
