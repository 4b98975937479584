/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The toy world's parts (claim_model.h): a store with one record and two session keys, requests on their way to it, and processes.
 */
#ifndef CLAIM_WORLD_H
#define CLAIM_WORLD_H

#include "claim_model.h"
#include "container_claim.h"
#include "container_session.h"

#define PROCESSES 3
#define REQUESTS 64
#define FORMERS 64
#define TTL_S 5
#define MS UINT64_C(1000000)
#define ORDERS 100000

enum kind { NONE, OP, PROOF };
enum fate {
	WAITING,
	DONE,
	HANGING
}; /* not executed; executed and not answered; answered as unknown and not executed yet */

struct record {
	bool exists;
	int process, id;
	int64_t incarnation, mod_revision;
	uint64_t token;
	bool ready;
};

struct request {
	enum kind kind;
	enum fate fate;
	enum container_claim_op op;
	int64_t incarnation, mod_revision;
	uint64_t token;
	struct container_session_mark mark;
	struct container_claim_event answer;
	struct record seen; /* of an answer that found one */
	bool found;         /* of a proof */
};

struct process {
	int id; /* of the container */
	struct container_claim claim;
	struct container_session session;
	int64_t former[FORMERS];
	unsigned formers;
	uint64_t held;
	bool working; /* the application has been told to add and has not acknowledged an end */
	uint64_t working_token;
	enum container_claim_action_type told; /* unacknowledged */
	bool unacked, retry, paused, proof_out;
	struct request requests[REQUESTS];
};

struct world {
	uint64_t random;
	enum claim_model_mutant mutant;
	uint64_t now_ms;
	int64_t revision;
	int64_t sessions[2]; /* by container id */
	int session_process[2];
	struct record record;
	struct process processes[PROCESSES];
	int64_t sighted; /* incarnation that the manager saw gone */
	uint64_t sighted_ms;
	uint64_t newest_token;
	unsigned orders, answered[ORDERS];
	bool healing;
	struct claim_model_result result;
};

/* Keeps the first one. */
void claim_world_violated(struct world *w, const char *what);

/* Carries a request out in the store, and leaves the answer in it. */
void claim_world_execute(struct world *w, struct process *p, struct request *request);

/* Whose a record that a process has read is. */
enum container_claim_owner claim_world_owner(const struct world *w, const struct process *p, const struct record *r);

#endif
