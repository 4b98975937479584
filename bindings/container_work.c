/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * From the machines' actions to effects.
 */
#include "container_work.h"

#include "common/orders.h"
#include "container_commit.h"

#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 50u
#define RETRY_MOST_MS 1000u

struct container_work {
	struct container_work_parts parts;
	const struct container_work_handler *handler;
	void *arg;
	struct container_commit *commit;
	struct container_shards shards;
	struct container_shard *paused;
	struct event *retry;
	bool stopping;
	char lost_reason[200];
};

static void step(struct container_work *work, struct container_shard *shard, const struct container_claim_event *event);

/* ---- actions ---- */

static void hold(struct container_work *work, struct container_shard *shard, uint64_t token)
{
	shard->unheld = container_held_set(work->parts.held, &shard->ticket.held_key, token) != 0;
}

static void tell(struct container_work *work, struct container_shard *shard, struct sm_event *event, uint64_t token,
        const char *reason)
{
	event->token = token;
	snprintf(event->reason, sizeof event->reason, "%s", reason);
	container_mailbox_tell(work->parts.mailbox, event, &shard->ticket);
}

static int tell_add(struct container_work *work, struct container_shard *shard, uint64_t token)
{
	struct sm_event *event = container_event_new(shard->id, shard->replica, shard->task ? shard->task : "");

	if (!shard->end_event)
		shard->end_event = container_event_new(shard->id, shard->replica, "");
	if (!event || !shard->end_event || shard->unheld) {
		sm_event_free(event);
		return SM_ENOMEM;
	}
	event->type = SM_EVENT_ADD;
	tell(work, shard, event, token, "");
	return 0;
}

static void tell_end(struct container_work *work, struct container_shard *shard, enum sm_event_type type,
        const struct container_claim_action *action, const char *reason)
{
	struct sm_event *event = shard->end_event;

	shard->end_event = NULL;
	event->type = type;
	tell(work, shard, event, action->token, action->text ? action->text : reason);
}

static unsigned jittered(unsigned ms)
{
	unsigned char random;

	evutil_secure_rng_get_bytes(&random, sizeof random);
	return ms * 3 / 4 + ms * random / 510;
}

static void arm_retry(struct container_work *work)
{
	struct timeval soon = { .tv_usec = RETRY_MS * 1000 };

	if (!evtimer_pending(work->retry, NULL))
		evtimer_add(work->retry, &soon);
}

static void pause_shard(struct container_work *work, struct container_shard *shard)
{
	unsigned doublings = shard->claim.failures < 6 ? shard->claim.failures : 6, ms = RETRY_MS << doublings;

	ms = jittered(ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS);
	shard->retry_at_ns = clocks_now().raw_ns + ms * UINT64_C(1000000);
	shard->queued = work->paused;
	work->paused = shard;
	arm_retry(work);
}

/* SM_ENOMEM: the application could not be told to add. */
static int carry_out(
        struct container_work *work, struct container_shard *shard, const struct container_claim_action *action)
{
	switch (action->type) {
	case CONTAINER_CLAIM_SEND:
		container_commit_add(work->commit, shard);
		break;
	case CONTAINER_CLAIM_HOLD:
		hold(work, shard, action->token);
		break;
	case CONTAINER_CLAIM_UNHOLD:
		hold(work, shard, 0);
		break;
	case CONTAINER_CLAIM_TELL_ADD:
		return tell_add(work, shard, action->token);
	case CONTAINER_CLAIM_TELL_DROP:
		tell_end(work, shard, SM_EVENT_DROP, action,
		        work->stopping ? "the container is stopping" : "the manager asked for it");
		break;
	case CONTAINER_CLAIM_TELL_LOST:
		tell_end(work, shard, SM_EVENT_LOST, action, work->lost_reason);
		break;
	case CONTAINER_CLAIM_ANSWER:
		work->handler->ended(
		        work->arg, action->order, action->code, action->text ? action->text : "", action->token);
		break;
	case CONTAINER_CLAIM_PAUSE:
		pause_shard(work, shard);
		break;
	}
	return 0;
}

static void step(struct container_work *work, struct container_shard *shard, const struct container_claim_event *event)
{
	struct container_claim_env env = {
		.incarnation = work->parts.session->incarnation,
		.live = container_session_live(work->parts.session, clocks_now()),
	};
	struct container_claim_actions actions;
	int error = 0;

	container_claim_step(&shard->claim, &env, event, &actions);
	for (size_t i = 0; i < actions.count; i++) {
		if (carry_out(work, shard, &actions.list[i]) != 0)
			error = SM_ENOMEM;
	}
	if (error) {
		struct container_claim_event failed = { .type = CONTAINER_CLAIM_ACKED, .text = sm_error_text(error) };
		step(work, shard, &failed);
		return;
	}
	if (!container_claim_is_free(&shard->claim))
		return;
	container_shards_remove(&work->shards, shard);
	if (work->shards.count == 0)
		work->handler->emptied(work->arg);
}

/* ---- what makes them step ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct container_work *work = arg;
	struct container_shard *shard = work->paused, *next;
	struct container_claim_event event = { .type = CONTAINER_CLAIM_RETRY };
	uint64_t now = clocks_now().raw_ns;

	(void)fd;
	(void)what;
	work->paused = NULL;
	for (; shard; shard = next) {
		next = shard->queued;
		if (shard->retry_at_ns <= now) {
			shard->queued = NULL;
			step(work, shard, &event);
			continue;
		}
		shard->queued = work->paused;
		work->paused = shard;
	}
	if (work->paused)
		arm_retry(work);
}

void container_work_order(struct container_work *work, const char *id, uint32_t replica, const char *task, void *order)
{
	struct container_claim_event event = {
		.type = task ? CONTAINER_CLAIM_ORDER_ADD : CONTAINER_CLAIM_ORDER_DROP,
		.order = order,
	};
	struct hash key = container_held_key(work->parts.held, id, replica);
	struct container_shard *shard = container_shards_find(&work->shards, &key, id, replica);
	char *copy = task ? strdup(task) : NULL;

	if (!shard && (copy || !task))
		shard = container_shards_add(&work->shards, &key, id, replica);
	if (!shard || (task && !copy)) {
		free(copy);
		work->handler->ended(work->arg, order, SM_ENOMEM, sm_error_text(SM_ENOMEM), 0);
		return;
	}
	if (task) {
		free(shard->task);
		shard->task = copy;
	}
	step(work, shard, &event);
}

void container_work_acked(struct container_work *work, struct container_mailbox_ticket *ticket)
{
	char *error = ticket->error;
	struct container_shard *shard = ticket->owner;
	struct container_claim_event event = { .type = CONTAINER_CLAIM_ACKED, .text = error };

	ticket->error = NULL;
	if (error)
		container_mailbox_set_trouble(work->parts.mailbox, "the application's %s of shard %s failed: %s",
		        ticket->type == SM_EVENT_ADD ? "add" : "drop", shard->id, error);
	step(work, shard, &event);
	free(error);
}

struct everyone {
	struct container_work *work;
	enum container_claim_event_type type;
};

static void step_one(void *arg, struct container_shard *shard)
{
	struct everyone *everyone = arg;
	struct container_claim_event event = { .type = everyone->type };

	step(everyone->work, shard, &event);
}

static void step_all(struct container_work *work, enum container_claim_event_type type)
{
	struct everyone everyone = { .work = work, .type = type };

	container_shards_each(&work->shards, step_one, &everyone);
}

void container_work_lost(struct container_work *work, const char *reason)
{
	snprintf(work->lost_reason, sizeof work->lost_reason, "%s", reason);
	step_all(work, CONTAINER_CLAIM_LOST);
}

void container_work_stop(struct container_work *work)
{
	work->stopping = true;
	step_all(work, CONTAINER_CLAIM_STOP);
}

void container_work_close(struct container_work *work)
{
	/* CLOSE ends every pause. */
	work->paused = NULL;
	evtimer_del(work->retry);
	step_all(work, CONTAINER_CLAIM_CLOSE);
}

size_t container_work_count(const struct container_work *work)
{
	return work->shards.count;
}

/* ---- from etcd ---- */

static void on_answered(
        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves)
{
	struct container_work *work = arg;

	work->handler->answered(work->arg, mark, header, proves);
}

static void on_fenced(void *arg, const char *reason)
{
	struct container_work *work = arg;

	work->handler->fenced(work->arg, reason);
}

static void on_outcome(void *arg, struct container_shard *shard, const struct container_claim_event *event)
{
	step(arg, shard, event);
}

static const struct container_commit_handler commit_handler = {
	.answered = on_answered,
	.fenced = on_fenced,
	.outcome = on_outcome,
};

int container_work_new(const struct container_work_parts *parts, const struct container_work_handler *handler,
        void *arg, struct container_work **ret_work)
{
	struct container_work *work = calloc(1, sizeof *work);

	if (!work)
		return SM_ENOMEM;
	work->parts = *parts;
	work->handler = handler;
	work->arg = arg;
	work->retry = evtimer_new(parts->base, on_retry, work);
	if (!work->retry || container_shards_init(&work->shards) != 0 ||
	        container_commit_new(parts->base, parts->etcd, parts->identity, parts->session, &commit_handler, work,
	                &work->commit) != 0) {
		container_work_free(work);
		return SM_ENOMEM;
	}
	*ret_work = work;
	return 0;
}

void container_work_free(struct container_work *work)
{
	if (!work)
		return;
	container_commit_free(work->commit);
	container_shards_done(&work->shards);
	if (work->retry)
		event_free(work->retry);
	free(work);
}
