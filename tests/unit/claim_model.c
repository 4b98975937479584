/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The toy world. Times are in ms on one clock; every wait is random.
 */
#include "claim_model.h"

#include "container_claim.h"
#include "container_session.h"

#include <stdlib.h>
#include <string.h>

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

static void violated(struct world *w, const char *what)
{
	if (!w->result.violation)
		w->result.violation = what;
}

static void step(struct world *w, struct process *p, const struct container_claim_event *event);

/* ---- the store ---- */

static enum container_claim_owner owner_of(const struct world *w, const struct process *p, const struct record *r)
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
		violated(w, "a token did not grow");
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
		violated(w, "released while the application works");
	w->revision++;
	w->record.exists = false;
	w->result.releases++;
	committed(w, request);
}

static void execute(struct world *w, struct process *p, struct request *request)
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
			violated(w, "model: too many requests");
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
			violated(w, "told to add after the deadline");
		p->working = true;
		p->working_token = action->token;
		/* fall through */
	case CONTAINER_CLAIM_TELL_DROP:
	case CONTAINER_CLAIM_TELL_LOST:
		if (p->unacked)
			violated(w, "two unacknowledged events");
		if (action->type != CONTAINER_CLAIM_TELL_ADD && !p->working)
			violated(w, "told to stop what it had not begun");
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
	copy.answer.record.owner = owner_of(w, p, &copy.seen);
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
			execute(w, p, request);
		request->kind = NONE;
	} else if (request->fate == DONE) {
		if (!p->paused)
			answer(w, p, request);
	} else if (fate < 6) {
		execute(w, p, request);
		request->fate = DONE;
	} else if (request->kind == OP && !p->paused) {
		if (fate == 6) {
			request->kind = NONE;
			step(w, p, &unsent);
			return;
		}
		request->fate = HANGING;
		if (fate == 7) {
			execute(w, p, request);
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
			violated(w, "held without the application having been told");
		if (!w->record.exists || w->record.process != i || w->record.incarnation != p->session.incarnation ||
		        w->record.token != p->held)
			violated(w, "believed without a record that says so");
	}
	if (believers > 1)
		violated(w, "two believers");
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
		violated(w, "it does not come to rest");
	for (int i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->working && p->claim.incarnation != p->session.incarnation)
			violated(w, "works on, for a session that has ended");
	}
	for (unsigned i = 1; i <= w->orders; i++) {
		if (w->answered[i] != 1)
			violated(w, w->answered[i] == 0 ? "an order was not answered" : "an order was answered twice");
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
