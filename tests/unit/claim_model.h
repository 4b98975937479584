/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A toy world for the claim and session kernels: one shard, a linearizable store that ends sessions whenever it likes and keeps requests
 * back, a manager that gives orders and frees after the lock delay, three processes (two of them with the same container id), paused at any moment.
 * Everything happens by a seed.
 */
#ifndef CLAIM_MODEL_H
#define CLAIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Ways to break the world around the kernels, each of which the checks must notice. */
enum claim_model_mutant {
	CLAIM_MODEL_SOUND,
	CLAIM_MODEL_EARLY_FREE,    /* the manager waits half of the lock delay */
	CLAIM_MODEL_ANSWER_TIME,   /* a proof counts from its answer instead of its sending */
	CLAIM_MODEL_BLIND_RELEASE, /* a release deletes without comparing */
	CLAIM_MODEL_OTHER_LIFE,    /* records of another process with the same id count as one's own */
	CLAIM_MODEL_MUTANTS
};

struct claim_model_result {
	const char *violation; /* NULL: none */
	unsigned step;
	unsigned claims, unknown, late, releases, lost, suspensions,
	        handovers; /* what happened, to see that it was worth the while */
};

/* One life of the world. */
struct claim_model_result claim_model_run(uint64_t seed, unsigned steps, enum claim_model_mutant mutant);

#endif
