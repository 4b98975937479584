/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Finds the classes with a hash table, numbers them in their order, sorts the shards by class and counts the owners.
 */
#include "planner_classes.h"

#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

struct table {
	struct planner_class *list; /* in the order of discovery; index = provisional number */
	uint32_t count, room;
	uint32_t *slots; /* provisional number + 1, 0 = free; a power of two, at least twice room */
	uint32_t mask;
	bool grouped;
};

static uint32_t slot_of(const struct table *table, uint32_t group, const struct planner_shard *shard)
{
	uint64_t h = group * 0x9e3779b97f4a7c15u;

	h = (h ^ (h >> 32) ^ shard->worker_group) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 32) ^ shard->pin) * 0x94d049bb133111ebu;
	return (uint32_t)(h >> 32) & table->mask;
}

static int grow(struct table *table)
{
	uint32_t room = table->room ? 2 * table->room : 64;
	struct planner_class *list = realloc(table->list, room * sizeof(*list));
	uint32_t *slots;

	if (!list)
		return SM_ENOMEM;
	table->list = list;
	slots = calloc((size_t)2 * room, sizeof(*slots));
	if (!slots)
		return SM_ENOMEM;
	free(table->slots);
	table->slots = slots;
	table->room = room;
	table->mask = 2 * room - 1;
	for (uint32_t i = 0; i < table->count; i++) {
		struct planner_shard key = { list[i].group, list[i].worker_group, list[i].pin, 0 };
		uint32_t slot = slot_of(table, key.group, &key);

		while (slots[slot])
			slot = (slot + 1) & table->mask;
		slots[slot] = i + 1;
	}
	return 0;
}

static bool is_same(const struct planner_class *class, uint32_t group, const struct planner_shard *shard)
{
	return class->group == group && class->worker_group == shard->worker_group && class->pin == shard->pin;
}

/* Puts the provisional number of the shard's class into *ret_number. */
static int find(struct table *table, const struct planner_shard *shard, uint32_t *ret_number)
{
	uint32_t group = table->grouped ? shard->group : 0, slot;

	if (table->count == table->room && grow(table))
		return SM_ENOMEM;
	slot = slot_of(table, group, shard);
	while (table->slots[slot]) {
		if (is_same(&table->list[table->slots[slot] - 1], group, shard)) {
			*ret_number = table->slots[slot] - 1;
			return 0;
		}
		slot = (slot + 1) & table->mask;
	}
	table->list[table->count] = (struct planner_class){
		.group = group, .worker_group = shard->worker_group, .pin = shard->pin, .first = table->count
	};
	*ret_number = table->count;
	table->slots[slot] = ++table->count;
	return 0;
}

static int compare_classes(const void *a, const void *b)
{
	const struct planner_class *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->worker_group != y->worker_group)
		return x->worker_group < y->worker_group ? -1 : 1;
	return (x->pin > y->pin) - (x->pin < y->pin);
}

static int compare_holds(const void *a, const void *b)
{
	const struct planner_hold *x = a, *y = b;

	return (x->container > y->container) - (x->container < y->container);
}

/* Sorts the classes (class.first held the provisional number), lays their shards out in order. of: shard -> provisional number. */
static int lay_out(struct planner_classes *classes, const struct planner_input *input, const uint32_t *of,
        const uint32_t *sequence)
{
	uint32_t *number = malloc(((size_t)classes->count + 1) * sizeof(*number));
	uint32_t first = 0;

	if (!number)
		return SM_ENOMEM;
	if (classes->count)
		qsort(classes->list, classes->count, sizeof(*classes->list), compare_classes);
	for (uint32_t i = 0; i < classes->count; i++) {
		number[classes->list[i].first] = i;
		classes->list[i].first = first;
		first += classes->list[i].count;
		classes->list[i].count = 0;
	}
	for (uint32_t i = 0; i < input->shard_count; i++) {
		uint32_t s = sequence ? sequence[i] : i;
		struct planner_class *class = &classes->list[number[of[s]]];

		classes->order[class->first + class->count++] = s;
	}
	free(number);
	return 0;
}

/* The class's hold of container, which is the last one's successor if there was none. */
static struct planner_hold *hold_at(struct planner_classes *classes, struct planner_class *class, uint32_t container)
{
	uint32_t *place = &classes->place[container];

	if (!*place) {
		classes->holds[class->first_hold + class->hold_count] = (struct planner_hold){ .container = container };
		*place = ++class->hold_count;
	}
	return &classes->holds[class->first_hold + *place - 1];
}

static void count_holds(struct planner_classes *classes, struct planner_class *class, const uint32_t *target)
{
	const struct planner_input *input = classes->survey->input;

	class->unowned = class->adrift = class->hold_count = 0;
	for (uint32_t i = class->first; i < class->first + class->count; i++) {
		uint32_t shard = classes->order[i], owner = input->shards[shard].owner;
		uint32_t start = target ? target[shard] : owner;

		if (owner < input->container_count)
			hold_at(classes, class, owner)->count++;
		else
			class->unowned++;
		if (start < input->container_count)
			hold_at(classes, class, start)->start++;
		else
			class->adrift++;
	}
	for (uint32_t i = class->first_hold; i < class->first_hold + class->hold_count; i++)
		classes->place[classes->holds[i].container] = 0;
	qsort(classes->holds + class->first_hold, class->hold_count, sizeof(*classes->holds), compare_holds);
}

void planner_classes_start(struct planner_classes *classes, const uint32_t *target)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < classes->count; i++) {
		classes->list[i].first_hold = used;
		count_holds(classes, &classes->list[i], target);
		used += classes->list[i].hold_count;
	}
}

int planner_classes_init(struct planner_classes *ret_classes, const struct planner_survey *survey, bool grouped,
        const uint32_t *sequence)
{
	const struct planner_input *input = survey->input;
	struct planner_classes classes = { .survey = survey };
	struct table table = { .grouped = grouped };
	uint32_t *of = malloc(((size_t)input->shard_count + 1) * sizeof(*of));
	int error = SM_ENOMEM;

	classes.order = malloc(((size_t)input->shard_count + 1) * sizeof(*classes.order));
	classes.holds = malloc(((size_t)input->shard_count + 1) * 2 * sizeof(*classes.holds));
	classes.place = calloc((size_t)input->container_count + 1, sizeof(*classes.place));
	if (!of || !classes.order || !classes.holds || !classes.place)
		goto out;
	for (uint32_t s = 0; s < input->shard_count; s++) {
		if (find(&table, &input->shards[s], &of[s]))
			goto out;
		table.list[of[s]].count++;
	}
	classes.list = table.list;
	classes.count = table.count;
	error = lay_out(&classes, input, of, sequence);
	if (error)
		goto out;
	planner_classes_start(&classes, NULL);
	*ret_classes = classes;
out:
	free(of);
	free(table.slots);
	if (error) {
		classes.list = table.list;
		planner_classes_done(&classes);
	}
	return error;
}

void planner_classes_mark(struct planner_classes *classes, const struct planner_class *class)
{
	for (uint32_t i = 0; i < class->hold_count; i++)
		classes->place[classes->holds[class->first_hold + i].container] = i + 1;
}

struct planner_hold planner_classes_take(
        struct planner_classes *classes, const struct planner_class *class, uint32_t container)
{
	struct planner_hold hold = { .container = container };

	if (classes->place[container])
		hold = classes->holds[class->first_hold + classes->place[container] - 1];
	classes->place[container] = 0;
	return hold;
}

void planner_classes_done(struct planner_classes *classes)
{
	free(classes->list);
	free(classes->order);
	free(classes->holds);
	free(classes->place);
	memset(classes, 0, sizeof(*classes));
}
