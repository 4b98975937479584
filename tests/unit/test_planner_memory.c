/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Every allocation of a plan fails once: the answer is SM_ENOMEM, the result is untouched, nothing leaks (the sanitizers and
 * valgrind watch). The program is linked with malloc, calloc and realloc wrapped.
 */
#include "planner/planner_search.h"
#include "planner_cases.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int left = -1; /* allocations until one fails; -1: none does */

static bool is_failing(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return is_failing() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_failing() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_failing() ? NULL : __real_realloc(old, size);
}

static struct planner_case *make_case(bool restricted)
{
	struct random_state random = { planner_cases_seed() };
	struct planner_case_mix mix = { .unowned = 50, .groups = 1 };
	struct planner_case *c = planner_case_new(7, 60, 14);

	if (restricted)
		mix = (struct planner_case_mix){ .drained = 10,
			.pinned = 10,
			.worker_grouped = 50,
			.member = 60,
			.unowned = 50,
			.limited = 100,
			.groups = 3,
			.worker_groups = 2 };
	planner_case_fill(c, &random, &mix);
	return c;
}

static void test_a_plan_survives_every_failing_allocation(void **state)
{
	(void)state;
	for (int restricted = 0; restricted < 2; restricted++) {
		struct planner_case *c = make_case(restricted);
		struct planner_plan plan = { .move_count = 77 };
		int failures = 0, error = SM_ENOMEM;

		for (int i = 0; error; i++) {
			left = i;
			error = planner_plan(&c->input, &plan);
			left = -1;
			failures += error != 0;
			assert_true(!error || (error == SM_ENOMEM && plan.move_count == 77));
		}
		assert_true(failures >= 5);
		planner_plan_done(&plan);
		planner_case_free(c);
	}
}

static void test_a_large_search_survives_every_failing_allocation(void **state)
{
	struct planner_case *c = make_case(true);
	uint32_t target[60];
	int error = SM_ENOMEM;

	(void)state;
	for (int i = 0; error; i++) {
		struct planner_survey survey;

		assert_int_equal(planner_survey_init(&survey, &c->input), 0);
		left = i;
		error = planner_search(&survey, 0, target);
		left = -1;
		assert_true(!error || error == SM_ENOMEM);
		planner_survey_done(&survey);
	}
	planner_case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plan_survives_every_failing_allocation),
		cmocka_unit_test(test_a_large_search_survives_every_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
