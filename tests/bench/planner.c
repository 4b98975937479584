/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * How long a plan takes: milliseconds of CPU (best of several) and, with -i, instructions counted by callgrind.
 *
 *     tests/bench/planner [-i] [CASE [SHARDS CONTAINERS]]       without CASE: all of them
 */
#include "planner/planner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPEATS 7

struct snapshot {
	struct planner_input input;
	struct planner_container *containers;
	struct planner_shard *shards;
	struct planner_worker *workers;
};

static struct snapshot *snapshot_new(uint32_t shards, uint32_t containers)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	s->containers = calloc(containers, sizeof(*s->containers));
	s->shards = malloc(shards * sizeof(*s->shards));
	s->workers = malloc(4 * (size_t)containers * sizeof(*s->workers));
	for (uint32_t i = 0; i < shards; i++)
		s->shards[i] = (struct planner_shard){ 0, PLANNER_NONE, PLANNER_NONE, PLANNER_NONE };
	s->input = (struct planner_input){ 0, s->containers, containers, s->shards, shards, s->workers, 0, 1, 0 };
	return s;
}

static void snapshot_free(struct snapshot *s)
{
	free(s->containers);
	free(s->shards);
	free(s->workers);
	free(s);
}

static void snapshot_apply(struct snapshot *s)
{
	struct planner_plan plan;

	if (planner_plan(&s->input, &plan))
		abort();
	for (uint32_t i = 0; i < plan.move_count; i++)
		s->shards[plan.moves[i].shard].owner = plan.moves[i].to;
	planner_plan_done(&plan);
}

static void with_groups(struct snapshot *s, uint32_t groups)
{
	s->input.group_count = groups;
	for (uint32_t i = 0; i < s->input.shard_count; i++)
		s->shards[i].group = (uint32_t)((uint64_t)i * i % 1009 % groups);
}

/* Three overlapping worker groups, each of 60 % of the containers; a quarter of the shards in each, a quarter in none. */
static void with_worker_groups(struct snapshot *s)
{
	uint32_t containers = s->input.container_count, each = (containers * 6 + 9) / 10;

	s->input.worker_group_count = 3;
	for (uint32_t g = 0; g < 3; g++)
		for (uint32_t i = 0; i < each; i++)
			s->workers[s->input.worker_count++] =
			        (struct planner_worker){ g, (g * (containers - each) / 2 + i) % containers };
	for (uint32_t i = 0; i < s->input.shard_count; i++)
		if (i % 4 < 3)
			s->shards[i].worker_group = i % 4;
}

static void with_limit(struct snapshot *s)
{
	s->input.max_shard_count = s->input.shard_count / s->input.container_count + 1;
}

static void with_pins(struct snapshot *s)
{
	for (uint32_t i = 0; i < s->input.shard_count; i += 100)
		s->shards[i].pin = i / 100 % s->input.container_count;
}

static void lose_one(struct snapshot *s)
{
	uint32_t last = --s->input.container_count;

	for (uint32_t i = 0; i < s->input.shard_count; i++) {
		if (s->shards[i].owner == last)
			s->shards[i].owner = PLANNER_ABSENT;
		if (s->shards[i].pin == last)
			s->shards[i].pin = PLANNER_ABSENT;
	}
	for (uint32_t i = 0; i < s->input.worker_count; i++)
		if (s->workers[i].container == last)
			s->workers[i--] = s->workers[--s->input.worker_count];
}

struct bench_case {
	const char *name;
	char event; /* s: from scratch, n: nothing changed, l: one lost, j: one joined */
	uint32_t groups;
	bool worker_groups, limit, pins;
};

static const struct bench_case cases[] = {
	{ "scratch", 's', 1, false, false, false },
	{ "lost", 'l', 1, false, false, false },
	{ "joined", 'j', 1, false, false, false },
	{ "nothing", 'n', 1, false, false, false },
	{ "groups10-scratch", 's', 10, false, false, false },
	{ "groups10-lost", 'l', 10, false, false, false },
	{ "groups100-scratch", 's', 100, false, false, false },
	{ "groups1000-scratch", 's', 1000, false, false, false },
	{ "groups1000-lost", 'l', 1000, false, false, false },
	{ "groups1000-joined", 'j', 1000, false, false, false },
	{ "workers-scratch", 's', 1, true, false, false },
	{ "workers-lost", 'l', 1, true, false, false },
	{ "workers-limit-scratch", 's', 1, true, true, false },
	{ "workers-limit-lost", 'l', 1, true, true, false },
	{ "pins-scratch", 's', 1, false, false, true },
	{ "mixed-scratch", 's', 10, true, true, true },
	{ "mixed-lost", 'l', 10, true, true, true },
	{ "mixed-nothing", 'n', 10, true, true, true },
};

static struct snapshot *prepare(const struct bench_case *c, uint32_t shards, uint32_t containers)
{
	struct snapshot *s = snapshot_new(shards, containers + (c->event == 'j'));

	s->input.container_count = containers;
	if (c->groups > 1)
		with_groups(s, c->groups);
	if (c->worker_groups)
		with_worker_groups(s);
	if (c->limit)
		with_limit(s);
	if (c->pins)
		with_pins(s);
	if (c->event != 's')
		snapshot_apply(s);
	if (c->event == 'l')
		lose_one(s);
	if (c->event == 'j')
		s->input.container_count++;
	return s;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* other work on the machine does not count */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The instructions of one plan, measured by running this program again under callgrind; 0 if there is none. */
static unsigned long long count_instructions(const char *self, const char *name, uint32_t shards, uint32_t containers)
{
	char command[1024], line[256];
	unsigned long long count = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
	        "valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=planner_bench_once %s -1 %s "
	        "%u "
	        "%u 2>&1",
	        self, name, shards, containers);
	pipe = popen(command, "r");
	while (pipe && fgets(line, sizeof(line), pipe)) {
		const char *collected = strstr(line, "Collected : ");

		if (collected)
			count = strtoull(collected + 12, NULL, 10);
	}
	if (pipe)
		pclose(pipe);
	return count;
}

void planner_bench_once(const struct planner_input *input, struct planner_plan *plan);
__attribute__((noinline)) void planner_bench_once(const struct planner_input *input, struct planner_plan *plan)
{
	if (planner_plan(input, plan))
		abort();
}

static void run(const struct bench_case *c, uint32_t shards, uint32_t containers, int repeats, const char *counting)
{
	struct snapshot *s = prepare(c, shards, containers);
	struct planner_plan plan;
	double best = 0;

	for (int i = 0; i < repeats; i++) {
		double start = now_ms(), took;

		planner_bench_once(&s->input, &plan);
		took = now_ms() - start;
		if (!i || took < best)
			best = took;
		if (took > 500)
			repeats = 1;
		if (i < repeats - 1)
			planner_plan_done(&plan);
	}
	printf("%-22s %8u shards %6u containers %9.2f ms %8u moves %6u unassigned", c->name, shards, containers, best,
	        plan.move_count, plan.unassigned_count);
	if (counting) {
		unsigned long long count = count_instructions(counting, c->name, shards, containers);

		printf(" %8.1f instructions/shard", (double)count / shards);
	}
	printf("\n");
	fflush(stdout);
	planner_plan_done(&plan);
	snapshot_free(s);
}

int main(int argc, char **argv)
{
	const char *self = argv[0], *counting = NULL;
	int option, repeats = REPEATS;
	uint32_t shards, containers;

	while ((option = getopt(argc, argv, "i1")) != -1) {
		if (option == 'i')
			counting = self;
		else if (option == '1')
			repeats = 1;
		else
			return 2;
	}
	shards = optind + 2 < argc ? (uint32_t)strtoul(argv[optind + 1], NULL, 10) : 1000000;
	containers = optind + 2 < argc ? (uint32_t)strtoul(argv[optind + 2], NULL, 10) : 10000;
	if (optind < argc) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			if (!strcmp(cases[i].name, argv[optind]))
				run(&cases[i], shards, containers, repeats, counting);
		return 0;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(&cases[i], shards, containers, repeats, counting);
	for (shards = 1000; shards <= 1000000; shards *= 10)
		run(&cases[0], shards, shards / 100, repeats, counting);
	return 0;
}
