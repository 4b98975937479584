/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The kernels in the toy world, many lives long; and worlds that are broken on purpose, in which the checks must notice it.
 */
#include "claim_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#ifndef LIVES
#define LIVES 400
#endif
#define STEPS 3000

static void nothing_is_violated(void **state)
{
	struct claim_model_result sum = { 0 };

	(void)state;
	for (unsigned seed = 1; seed <= LIVES; seed++) {
		struct claim_model_result result = claim_model_run(seed, STEPS, CLAIM_MODEL_SOUND);
		if (result.violation)
			fail_msg("seed %u, step %u: %s", seed, result.step, result.violation);
		sum.claims += result.claims;
		sum.unknown += result.unknown;
		sum.late += result.late;
		sum.releases += result.releases;
		sum.lost += result.lost;
		sum.suspensions += result.suspensions;
		sum.handovers += result.handovers;
	}
	printf("%d lives: %u claims, %u handovers, %u releases, %u outcomes unknown, %u requests late, %u sessions "
	       "lost, %u suspensions\n",
	        LIVES, sum.claims, sum.handovers, sum.releases, sum.unknown, sum.late, sum.lost, sum.suspensions);
	/* Else the world would be too quiet to show anything. */
	assert_true(sum.handovers > LIVES && sum.late > LIVES && sum.lost > LIVES && sum.suspensions > LIVES / 2);
}

static void broken_worlds_are_noticed(void **state)
{
	(void)state;
	for (int mutant = CLAIM_MODEL_SOUND + 1; mutant < CLAIM_MODEL_MUTANTS; mutant++) {
		unsigned seed = 1;
		struct claim_model_result result = { 0 };
		while (!result.violation && seed < 20000)
			result = claim_model_run(seed++, STEPS, (enum claim_model_mutant)mutant);
		if (!result.violation)
			fail_msg("mutant %d was not noticed in %u lives", mutant, seed);
		printf("mutant %d: noticed in life %u, step %u: %s\n", mutant, seed - 1, result.step, result.violation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_violated),
		cmocka_unit_test(broken_worlds_are_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
