/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The toy world. Times are in ms on one clock; every wait is random.
 */
#include "claim_world.h"

#include <stdlib.h>

static unsigned dice(struct world *w, unsigned sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)(w->random >> 11) % sides;
}

static struct clocks now(const struct world *w)
{
	return (struct clocks){ w->now_ms * MS, w->now_ms * MS };
}

static void step(struct world *w, struct process *p, const struct container_claim_event *event);

/* ---- a process ---- */

static struct request *new_request(struct process *p, enum kind kind)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		if (p->requests[i].kind == NONE) {
			p->requests[i] = (struct request){ .kind = kind };
			return &p->requests[i];
		}
	}
	return NULL;
}

static bool live(const struct world *w, const struct process *p)
{
	return container_session_live(&p->session, now(w));
}

static void carry_out(struct world *w, struct process *p, const struct container_claim_action *action)
{
	struct request *request;

	switch (action->type) {
	case CONTAINER_CLAIM_SEND:
		request = new_request(p, OP);
		if (!request) {
			claim_world_violated(w, "model: too many requests");
			return;
		}
		request->op = action->op;
		request->incarnation = p->claim.incarnation;
		request->mod_revision = action->mod_revision;
		request->mark = container_session_send(&p->session, now(w));
		break;
	case CONTAINER_CLAIM_HOLD:
		p->held = action->token;
		break;
	case CONTAINER_CLAIM_UNHOLD:
		p->held = 0;
		break;
	case CONTAINER_CLAIM_TELL_ADD:
		if (!live(w, p))
			claim_world_violated(w, "told to add after the deadline");
		p->working = true;
		p->working_token = action->token;
		/* fall through */
	case CONTAINER_CLAIM_TELL_DROP:
	case CONTAINER_CLAIM_TELL_LOST:
		if (p->unacked)
			claim_world_violated(w, "two unacknowledged events");
		if (action->type != CONTAINER_CLAIM_TELL_ADD && !p->working)
			claim_world_violated(w, "told to stop what it had not begun");
		p->unacked = true;
		p->told = action->type;
		break;
	case CONTAINER_CLAIM_ANSWER:
		w->answered[(uintptr_t)action->order]++;
		break;
	case CONTAINER_CLAIM_PAUSE:
		p->retry = true;
		break;
	}
}

static void step(struct world *w, struct process *p, const struct container_claim_event *event)
{
	struct container_claim_env env = { p->session.incarnation, live(w, p) };
	struct container_claim_actions actions;

	container_claim_step(&p->claim, &env, event, &actions);
	for (size_t i = 0; i < actions.count; i++)
		carry_out(w, p, &actions.list[i]);
}

static void session_lost(struct world *w, struct process *p)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_LOST };

	if (p->session.incarnation == 0)
		return;
	p->held = 0;
	if (p->formers < FORMERS)
		p->former[p->formers++] = p->session.incarnation;
	container_session_end(&p->session);
	w->result.lost++;
	step(w, p, &event);
}

static void proved(struct world *w, struct process *p, struct container_session_mark mark)
{
	if (w->mutant == CLAIM_MODEL_ANSWER_TIME)
		mark.sent = now(w);
	container_session_prove(&p->session, &mark, now(w));
}

static void answer(struct world *w, struct process *p, struct request *request)
{
	struct request copy = *request;

	request->kind = NONE;
	if (copy.kind == PROOF) {
		p->proof_out = false;
		if (copy.found)
			proved(w, p, copy.mark);
		else if (copy.mark.incarnation == p->session.incarnation)
			session_lost(w, p);
		return;
	}
	if (copy.op == CONTAINER_CLAIM_CREATE && copy.answer.type == CONTAINER_CLAIM_FENCED) {
		if (p->session.incarnation == copy.incarnation)
			session_lost(w, p);
	} else if (copy.op == CONTAINER_CLAIM_CREATE) {
		/* Whatever became of the record: the session key was compared and was there. */
		proved(w, p, copy.mark);
	}
	/* Whose it is, is worked out when the answer arrives, as the library does it. */
	copy.answer.record.owner = claim_world_owner(w, p, &copy.seen);
	step(w, p, &copy.answer);
}

static void begin_session(struct world *w, struct process *p)
{
	if (p->session.incarnation != 0 || w->sessions[p->id] != 0 || !container_claim_is_free(&p->claim))
		return;
	struct container_session_mark mark = container_session_send(&p->session, now(w));
	w->sessions[p->id] = ++w->revision;
	w->session_process[p->id] = (int)(p - w->processes);
	container_session_begin(&p->session, w->revision, &mark);
}

/* ---- things that happen ---- */

static void request_moves(struct world *w, struct process *p, struct request *request)
{
	struct container_claim_event unknown = { .type = CONTAINER_CLAIM_UNKNOWN },
	                             unsent = { .type = CONTAINER_CLAIM_UNSENT, .code = -7, .text = "away" };
	unsigned fate = w->healing ? 0 : dice(w, 10);

	if (request->fate == HANGING) {
		/* It arrives late and nobody hears of it, or it never does. */
		w->result.late++;
		if (fate < 8)
			claim_world_execute(w, p, request);
		request->kind = NONE;
	} else if (request->fate == DONE) {
		if (!p->paused)
			answer(w, p, request);
	} else if (fate < 6) {
		claim_world_execute(w, p, request);
		request->fate = DONE;
	} else if (request->kind == OP && !p->paused) {
		if (fate == 6) {
			request->kind = NONE;
			step(w, p, &unsent);
			return;
		}
		request->fate = HANGING;
		if (fate == 7) {
			claim_world_execute(w, p, request);
			request->kind = NONE;
		}
		w->result.unknown++;
		step(w, p, &unknown);
	}
}

static void any_request(struct world *w, struct process *p)
{
	unsigned first = dice(w, REQUESTS);

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct request *request = &p->requests[(first + i) % REQUESTS];
		if (request->kind != NONE && (request->fate != HANGING || w->healing || dice(w, 8) == 0)) {
			request_moves(w, p, request);
			return;
		}
	}
}

static void order(struct world *w, struct process *p)
{
	if (p->session.incarnation == 0 || !live(w, p) || w->orders + 1 >= ORDERS)
		return;
	struct container_claim_event event = { .type = dice(w, 5) < 3 ? CONTAINER_CLAIM_ORDER_ADD
		                                                      : CONTAINER_CLAIM_ORDER_DROP,
		.order = (void *)(uintptr_t)++w->orders };
	step(w, p, &event);
}

static void acknowledge(struct world *w, struct process *p)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_ACKED };

	if (!p->unacked)
		return;
	p->unacked = false;
	if (p->told == CONTAINER_CLAIM_TELL_ADD && dice(w, 6) == 0)
		event.text = "no";
	if (p->told != CONTAINER_CLAIM_TELL_ADD || event.text) {
		p->working = false;
		p->held = 0; /* as sm_container_ack does */
	}
	step(w, p, &event);
}

static void send_proof(struct world *w, struct process *p)
{
	struct request *request;

	if (p->session.incarnation == 0 || p->proof_out)
		return;
	request = new_request(p, PROOF);
	if (!request)
		return;
	p->proof_out = true;
	request->mark = container_session_send(&p->session, now(w));
}

static void manage(struct world *w)
{
	const struct record *r = &w->record;
	uint64_t delay = clocks_lock_delay_ms(clocks_belief_ms(TTL_S));

	if (w->mutant == CLAIM_MODEL_EARLY_FREE)
		delay /= 2;
	if (!r->exists || w->sessions[r->id] == r->incarnation) {
		w->sighted = 0;
		return;
	}
	if (w->sighted != r->incarnation) {
		w->sighted = r->incarnation;
		w->sighted_ms = w->now_ms;
	} else if (w->now_ms >= w->sighted_ms + delay) {
		w->revision++;
		w->record.exists = false;
	}
}

static void end_some_session(struct world *w)
{
	w->sessions[dice(w, 2)] = 0;
	w->revision++;
}

static void any_process(struct world *w)
{
	struct process *p = &w->processes[dice(w, PROCESSES)];
	struct container_claim_event retry = { .type = CONTAINER_CLAIM_RETRY };
	unsigned what = dice(w, 100);

	if (what < 45) {
		any_request(w, p);
		return;
	}
	if (p->paused && !w->healing) {
		p->paused = dice(w, 20) != 0;
		return;
	}
	p->paused = false;
	if (what < 55)
		acknowledge(w, p);
	else if (what < 65)
		order(w, p);
	else if (what < 78)
		send_proof(w, p);
	else if (what < 85)
		begin_session(w, p);
	else if (what < 95 && p->retry) {
		p->retry = false;
		step(w, p, &retry);
	} else if (what == 95 && !w->healing) {
		p->paused = true;
	} else if (what == 96) {
		w->result.suspensions += container_session_suspend(&p->session, now(w));
	}
}

/* ---- checks ---- */

static void check(struct world *w)
{
	int believers = 0;

	for (int i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->held == 0 || !live(w, p))
			continue;
		believers++;
		if (!p->working)
			claim_world_violated(w, "held without the application having been told");
		if (!w->record.exists || w->record.process != i || w->record.incarnation != p->session.incarnation ||
		        w->record.token != p->held)
			claim_world_violated(w, "believed without a record that says so");
	}
	if (believers > 1)
		claim_world_violated(w, "two believers");
}

static bool quiet(const struct world *w)
{
	for (int i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->claim.op != CONTAINER_CLAIM_NO_OP || p->unacked || p->retry ||
		        p->claim.want != CONTAINER_CLAIM_KEEP)
			return false;
	}
	return true;
}

/* After the last fault everything must come to rest with every order answered once. */
static void heal(struct world *w)
{
	w->healing = true;
	for (unsigned i = 0; i < 20000 && !quiet(w) && !w->result.violation; i++) {
		struct process *p = &w->processes[dice(w, PROCESSES)];
		struct container_claim_event retry = { .type = CONTAINER_CLAIM_RETRY };
		p->paused = false;
		any_request(w, p);
		acknowledge(w, p);
		if (p->retry) {
			p->retry = false;
			step(w, p, &retry);
		}
		check(w);
	}
	if (!quiet(w))
		claim_world_violated(w, "it does not come to rest");
	for (int i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->working && p->claim.incarnation != p->session.incarnation)
			claim_world_violated(w, "works on, for a session that has ended");
	}
	for (unsigned i = 1; i <= w->orders; i++) {
		if (w->answered[i] != 1)
			claim_world_violated(
			        w, w->answered[i] == 0 ? "an order was not answered" : "an order was answered twice");
	}
}

struct claim_model_result claim_model_run(uint64_t seed, unsigned steps, enum claim_model_mutant mutant)
{
	struct world *w = calloc(1, sizeof *w);
	struct claim_model_result result = { .violation = "model: out of memory" };
	int last_holder = -1;

	if (!w)
		return result;
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	w->mutant = mutant;
	w->now_ms = 1000;
	w->revision = 10;
	for (int i = 0; i < PROCESSES; i++) {
		w->processes[i].id = i % 2;
		container_session_init(&w->processes[i].session, TTL_S);
	}
	for (unsigned i = 0; i < steps && !w->result.violation; i++) {
		w->result.step = i;
		if (dice(w, 5) == 0)
			w->now_ms += dice(w, 50) == 0 ? dice(w, 6000) : dice(w, 200);
		if (dice(w, 150) == 0)
			end_some_session(w);
		manage(w);
		any_process(w);
		check(w);
		if (w->record.exists && w->record.process != last_holder) {
			w->result.handovers += last_holder >= 0;
			last_holder = w->record.process;
		}
	}
	if (!w->result.violation)
		heal(w);
	result = w->result;
	free(w);
	return result;
}
