/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The store: linearizable, and indifferent to whether anybody still waits for the answer.
 */
#include "claim_world.h"

void claim_world_violated(struct world *w, const char *what)
{
	if (!w->result.violation)
		w->result.violation = what;
}

enum container_claim_owner claim_world_owner(const struct world *w, const struct process *p, const struct record *r)
{
	if (!r->exists)
		return CONTAINER_CLAIM_ABSENT;
	if (r->id != p->id)
		return CONTAINER_CLAIM_OTHER;
	if (p->session.incarnation != 0 && r->incarnation == p->session.incarnation)
		return CONTAINER_CLAIM_MINE;
	for (unsigned i = 0; i < p->formers; i++) {
		if (p->former[i] == r->incarnation)
			return CONTAINER_CLAIM_FORMER;
	}
	return w->mutant == CLAIM_MODEL_OTHER_LIFE ? CONTAINER_CLAIM_FORMER : CONTAINER_CLAIM_STRANGER;
}

static void found(const struct world *w, struct request *request)
{
	request->seen = w->record;
	request->answer = (struct container_claim_event){ .type = CONTAINER_CLAIM_FOUND,
		.record = { .incarnation = w->record.incarnation,
		        .mod_revision = w->record.mod_revision,
		        .token = w->record.token,
		        .ready = w->record.ready } };
}

static void committed(struct world *w, struct request *request)
{
	request->answer = (struct container_claim_event){
		.type = CONTAINER_CLAIM_COMMITTED, .mod_revision = w->revision, .token = (uint64_t)w->revision
	};
}

static void execute_create(struct world *w, struct process *p, struct request *request)
{
	if (w->sessions[p->id] != request->incarnation) {
		request->answer = (struct container_claim_event){ .type = CONTAINER_CLAIM_FENCED };
		return;
	}
	if (w->record.exists) {
		found(w, request);
		return;
	}
	w->revision++;
	w->record = (struct record){ .exists = true,
		.process = (int)(p - w->processes),
		.id = p->id,
		.incarnation = request->incarnation,
		.mod_revision = w->revision,
		.token = (uint64_t)w->revision };
	if (w->record.token <= w->newest_token)
		claim_world_violated(w, "a token did not grow");
	w->newest_token = w->record.token;
	w->result.claims++;
	committed(w, request);
}

static void execute_release(struct world *w, struct request *request)
{
	struct process *owner = &w->processes[w->record.process];

	if (!w->record.exists ||
	        (w->record.mod_revision != request->mod_revision && w->mutant != CLAIM_MODEL_BLIND_RELEASE)) {
		found(w, request);
		return;
	}
	if (owner->working && owner->working_token == w->record.token)
		claim_world_violated(w, "released while the application works");
	w->revision++;
	w->record.exists = false;
	w->result.releases++;
	committed(w, request);
}

void claim_world_execute(struct world *w, struct process *p, struct request *request)
{
	if (request->kind == PROOF) {
		request->found = w->sessions[p->id] == request->mark.incarnation;
		return;
	}
	switch (request->op) {
	case CONTAINER_CLAIM_CREATE:
		execute_create(w, p, request);
		break;
	case CONTAINER_CLAIM_READY:
		if (w->record.exists && w->record.mod_revision == request->mod_revision) {
			w->record.mod_revision = ++w->revision;
			w->record.ready = true;
			committed(w, request);
		} else {
			found(w, request);
		}
		break;
	case CONTAINER_CLAIM_RELEASE:
		execute_release(w, request);
		break;
	default:
		found(w, request);
	}
}
