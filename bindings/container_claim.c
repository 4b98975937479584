/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Event handlers record facts; advance() draws the consequences. So every rule about what may follow what is in advance().
 */
#include "container_claim.h"

#include "common/orders.h"
#include "shardmgr.h"

#include <assert.h>

struct step {
	struct container_claim *claim;
	const struct container_claim_env *env;
	const struct container_claim_event *event;
	struct container_claim_actions *actions;
};

static struct container_claim_action *act(struct step *step, enum container_claim_action_type type)
{
	assert(step->actions->count < CONTAINER_CLAIM_ACTIONS);
	struct container_claim_action *action = &step->actions->list[step->actions->count++];

	*action = (struct container_claim_action){ .type = type };
	return action;
}

static void answer(struct step *step, int code, const char *text)
{
	struct container_claim *claim = step->claim;

	if (claim->order) {
		struct container_claim_action *action = act(step, CONTAINER_CLAIM_ANSWER);
		action->order = claim->order;
		action->code = code;
		action->text = text;
		action->token = code == 0 && claim->want == CONTAINER_CLAIM_ADD ? claim->token : 0;
	}
	claim->order = NULL;
	claim->want = CONTAINER_CLAIM_KEEP;
}

static void fail_add(struct step *step, int code, const char *text)
{
	if (step->claim->want == CONTAINER_CLAIM_ADD)
		answer(step, code, text);
}

static void send(struct step *step, enum container_claim_op op)
{
	struct container_claim *claim = step->claim;
	struct container_claim_action *action = act(step, CONTAINER_CLAIM_SEND);

	action->op = op;
	claim->op = op;
	if (op == CONTAINER_CLAIM_CREATE) {
		claim->incarnation = step->env->incarnation;
	} else if (op == CONTAINER_CLAIM_READY || op == CONTAINER_CLAIM_RELEASE) {
		assert(claim->mod_revision != 0);
		assert(op != CONTAINER_CLAIM_RELEASE || claim->app == CONTAINER_CLAIM_NOT_TOLD);
		action->mod_revision = claim->mod_revision;
		action->token = claim->token;
	}
}

static void tell(struct step *step, enum container_claim_app app)
{
	static const enum container_claim_action_type types[] = {
		[CONTAINER_CLAIM_ADDING] = CONTAINER_CLAIM_TELL_ADD,
		[CONTAINER_CLAIM_DROPPING] = CONTAINER_CLAIM_TELL_DROP,
		[CONTAINER_CLAIM_LOSING] = CONTAINER_CLAIM_TELL_LOST,
	};
	act(step, types[app])->token = step->claim->token;
	step->claim->app = app;
}

/* ---- consequences ---- */

static void advance_serving(struct step *step)
{
	struct container_claim *claim = step->claim;
	bool gone = claim->mod_revision == 0;

	if (gone || claim->incarnation != step->env->incarnation) {
		fail_add(step, SM_EUNAVAILABLE, "the claim was lost");
		act(step, CONTAINER_CLAIM_UNHOLD);
		tell(step, CONTAINER_CLAIM_LOSING);
		if (gone)
			step->actions->list[step->actions->count - 1].text = "the claim is no longer in etcd";
	} else if (claim->want == CONTAINER_CLAIM_DROP) {
		tell(step, CONTAINER_CLAIM_DROPPING);
	} else if (claim->ready) {
		if (claim->want == CONTAINER_CLAIM_ADD)
			answer(step, 0, "");
	} else if (claim->op == CONTAINER_CLAIM_NO_OP && !claim->pausing) {
		send(step, CONTAINER_CLAIM_READY);
	}
}

static void advance_without_record(struct step *step)
{
	struct container_claim *claim = step->claim;

	if (claim->doubt)
		/* Once its incarnation is over a create can never succeed again, so then a read tells for good. */
		send(step,
		        claim->incarnation == step->env->incarnation ? CONTAINER_CLAIM_CREATE : CONTAINER_CLAIM_READ);
	else if (claim->want == CONTAINER_CLAIM_DROP)
		send(step, CONTAINER_CLAIM_READ);
	else if (claim->want == CONTAINER_CLAIM_ADD && step->env->live)
		send(step, CONTAINER_CLAIM_CREATE);
	else
		fail_add(step, SM_EUNAVAILABLE, "no session now");
}

static void advance_not_told(struct step *step)
{
	struct container_claim *claim = step->claim;

	if (claim->op != CONTAINER_CLAIM_NO_OP || claim->pausing)
		return;
	if (claim->mod_revision == 0) {
		advance_without_record(step);
		return;
	}
	bool believed = step->env->live && claim->incarnation == step->env->incarnation;
	if (claim->fresh && believed && claim->want == CONTAINER_CLAIM_ADD) {
		claim->fresh = false;
		act(step, CONTAINER_CLAIM_HOLD)->token = claim->token;
		tell(step, CONTAINER_CLAIM_ADDING);
		return;
	}
	claim->fresh = false;
	send(step, CONTAINER_CLAIM_RELEASE);
}

static void advance(struct step *step)
{
	if (step->claim->app == CONTAINER_CLAIM_SERVING)
		advance_serving(step);
	else if (step->claim->app == CONTAINER_CLAIM_NOT_TOLD)
		advance_not_told(step);
}

/* ---- facts ---- */

static void on_order(struct step *step)
{
	struct container_claim *claim = step->claim;
	bool add = step->event->type == CONTAINER_CLAIM_ORDER_ADD;

	if (claim->closed) {
		struct container_claim_action *action = act(step, CONTAINER_CLAIM_ANSWER);
		action->order = step->event->order;
		action->code = SM_ECLOSED;
		action->text = "the container is closing";
		return;
	}
	answer(step, SM_ECONFLICT, "overtaken by a newer order");
	claim->want = add ? CONTAINER_CLAIM_ADD : CONTAINER_CLAIM_DROP;
	claim->order = step->event->order;
}

static void on_stop(struct step *step)
{
	fail_add(step, SM_ECLOSED, "the container is stopping");
	step->claim->want = CONTAINER_CLAIM_DROP;
}

static void on_close(struct step *step)
{
	struct container_claim *claim = step->claim;

	answer(step, SM_ECLOSED, "the container is closing");
	act(step, CONTAINER_CLAIM_UNHOLD);
	claim->closed = true;
	claim->fresh = false;
	claim->pausing = false;
	claim->app = CONTAINER_CLAIM_NOT_TOLD;
}

static void pause_op(struct step *step)
{
	step->claim->pausing = true;
	step->claim->failures++;
	act(step, CONTAINER_CLAIM_PAUSE);
}

static void on_committed(struct step *step, enum container_claim_op op)
{
	struct container_claim *claim = step->claim;

	switch (op) {
	case CONTAINER_CLAIM_CREATE:
		claim->mod_revision = step->event->mod_revision;
		claim->token = step->event->token;
		claim->doubt = claim->ready = false;
		claim->fresh = true;
		break;
	case CONTAINER_CLAIM_READY:
		claim->mod_revision = step->event->mod_revision;
		claim->ready = true;
		break;
	case CONTAINER_CLAIM_RELEASE:
		claim->mod_revision = 0;
		if (claim->want == CONTAINER_CLAIM_DROP)
			answer(step, 0, "");
		break;
	case CONTAINER_CLAIM_READ:
	case CONTAINER_CLAIM_NO_OP:
		assert(!"a read compares nothing");
	}
}

static bool names_this_process(const struct container_claim_record *record)
{
	return record->owner == CONTAINER_CLAIM_MINE || record->owner == CONTAINER_CLAIM_FORMER;
}

static void adopt(struct container_claim *claim, const struct container_claim_record *record)
{
	claim->incarnation = record->incarnation;
	claim->mod_revision = record->mod_revision;
	claim->token = record->token;
	claim->ready = record->ready;
	claim->fresh = record->owner == CONTAINER_CLAIM_MINE && !record->ready;
}

static void on_not_mine(struct step *step)
{
	bool stranger = step->event->record.owner == CONTAINER_CLAIM_STRANGER;
	const char *text =
	        stranger ? "claimed by an earlier process with this container's id: it is freed after the lock delay"
	                 : "claimed by another container";

	step->claim->mod_revision = 0;
	if (step->claim->want == CONTAINER_CLAIM_DROP)
		answer(step, stranger ? SM_ECONFLICT : 0, stranger ? text : "");
	else if (step->event->record.owner != CONTAINER_CLAIM_ABSENT)
		fail_add(step, SM_ECONFLICT, text);
}

/* The else branch of ready: the one record that continues the claim is its own, made ready by an earlier try. */
static void on_ready_refused(struct step *step)
{
	struct container_claim *claim = step->claim;
	const struct container_claim_record *record = &step->event->record;
	bool same = names_this_process(record) && record->incarnation == claim->incarnation &&
	            record->token == claim->token;

	claim->mod_revision = same ? record->mod_revision : 0;
	claim->ready = same && record->ready;
}

static void on_found(struct step *step, enum container_claim_op op)
{
	struct container_claim *claim = step->claim;
	const struct container_claim_record *record = &step->event->record;

	if (op == CONTAINER_CLAIM_READY) {
		on_ready_refused(step);
		return;
	}
	if (op == CONTAINER_CLAIM_CREATE && record->owner == CONTAINER_CLAIM_MINE) {
		/* An earlier create of ours came late: read again, then serve. */
		claim->doubt = false;
		send(step, CONTAINER_CLAIM_READ);
		return;
	}
	claim->doubt = false;
	if (names_this_process(record))
		adopt(claim, record);
	else
		on_not_mine(step);
	if (op == CONTAINER_CLAIM_RELEASE)
		claim->fresh = false;
}

static void on_unknown(struct step *step, enum container_claim_op op)
{
	struct container_claim *claim = step->claim;

	if (op == CONTAINER_CLAIM_CREATE)
		claim->doubt = true;
	if (op == CONTAINER_CLAIM_READY && claim->app == CONTAINER_CLAIM_SERVING) {
		claim->hidden = true;
		act(step, CONTAINER_CLAIM_UNHOLD);
	}
	pause_op(step);
}

static void on_unsent(struct step *step, enum container_claim_op op)
{
	if (op == CONTAINER_CLAIM_CREATE && !step->claim->doubt)
		fail_add(step, step->event->code, step->event->text);
	else
		pause_op(step);
}

static void on_fenced(struct step *step)
{
	assert(step->claim->incarnation != step->env->incarnation);
	fail_add(step, SM_EUNAVAILABLE, "the session has ended");
}

static void on_acked(struct step *step)
{
	struct container_claim *claim = step->claim;
	enum container_claim_app app = claim->app;

	if (app == CONTAINER_CLAIM_ADDING && !step->event->text) {
		claim->app = CONTAINER_CLAIM_SERVING;
		return;
	}
	if (app != CONTAINER_CLAIM_ADDING && app != CONTAINER_CLAIM_DROPPING && app != CONTAINER_CLAIM_LOSING)
		return; /* overtaken by CLOSE */
	claim->app = CONTAINER_CLAIM_NOT_TOLD;
	claim->hidden = false;
	act(step, CONTAINER_CLAIM_UNHOLD);
	if (app == CONTAINER_CLAIM_ADDING)
		fail_add(step, ORDERS_FAILED, step->event->text);
}

static void on_answer(struct step *step)
{
	struct container_claim *claim = step->claim;
	enum container_claim_op op = claim->op;

	if (op == CONTAINER_CLAIM_NO_OP) {
		assert(!"an answer to nothing");
		return;
	}
	claim->op = CONTAINER_CLAIM_NO_OP;
	switch (step->event->type) {
	case CONTAINER_CLAIM_COMMITTED:
		on_committed(step, op);
		break;
	case CONTAINER_CLAIM_FOUND:
		on_found(step, op);
		break;
	case CONTAINER_CLAIM_UNKNOWN:
		on_unknown(step, op);
		return;
	case CONTAINER_CLAIM_UNSENT:
		on_unsent(step, op);
		return;
	default:
		on_fenced(step);
		break;
	}
	claim->failures = 0;
	if (claim->hidden && claim->app == CONTAINER_CLAIM_SERVING && claim->mod_revision != 0) {
		claim->hidden = false;
		act(step, CONTAINER_CLAIM_HOLD)->token = claim->token;
	}
}

void container_claim_step(struct container_claim *claim, const struct container_claim_env *env,
        const struct container_claim_event *event, struct container_claim_actions *ret_actions)
{
	struct step step = { .claim = claim, .env = env, .event = event, .actions = ret_actions };

	ret_actions->count = 0;
	switch (event->type) {
	case CONTAINER_CLAIM_ORDER_ADD:
	case CONTAINER_CLAIM_ORDER_DROP:
		on_order(&step);
		break;
	case CONTAINER_CLAIM_STOP:
		on_stop(&step);
		break;
	case CONTAINER_CLAIM_CLOSE:
		on_close(&step);
		break;
	case CONTAINER_CLAIM_COMMITTED:
	case CONTAINER_CLAIM_FOUND:
	case CONTAINER_CLAIM_UNKNOWN:
	case CONTAINER_CLAIM_UNSENT:
	case CONTAINER_CLAIM_FENCED:
		on_answer(&step);
		break;
	case CONTAINER_CLAIM_ACKED:
		on_acked(&step);
		break;
	case CONTAINER_CLAIM_LOST:
		fail_add(&step, SM_EUNAVAILABLE, "the session has ended");
		break;
	case CONTAINER_CLAIM_RETRY:
		claim->pausing = false;
		break;
	}
	advance(&step);
}

bool container_claim_is_free(const struct container_claim *claim)
{
	return claim->app == CONTAINER_CLAIM_NOT_TOLD && claim->op == CONTAINER_CLAIM_NO_OP &&
	       claim->want == CONTAINER_CLAIM_KEEP && claim->mod_revision == 0 && !claim->doubt && !claim->pausing;
}
