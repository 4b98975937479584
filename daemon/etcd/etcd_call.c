/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Unary calls.
 */
#include "etcd_call.h"

#include "etcd_error.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 100u /* before an endpoint is asked again in the same call */
#define TOKENS 2u     /* new tokens per call */

struct etcd_calls {
	struct etcd_parts *parts;
	unsigned active;
	uint64_t answered_ms; /* when etcd last answered anything */
	struct etcd_call_list all, queue, rejected;
	struct etcd_auth_waiter waiter;
	struct event *dispatch; /* hands out rejected calls */
};

static void pump(struct etcd_calls *calls);

/* ---- the life of a call ---- */

static void leave_queue(struct etcd_call *call)
{
	if (call->waits_in)
		TAILQ_REMOVE(call->waits_in, call, queue);
	call->waits_in = NULL;
}

static void destroy(struct etcd_call *call)
{
	if (call->kind->done)
		call->kind->done(call);
	if (call->pause)
		event_free(call->pause);
	etcd_text_done(&call->body);
	free(call);
}

struct etcd_call *etcd_call_new(struct etcd_calls *calls, const struct etcd_call_kind *kind, size_t bytes)
{
	struct etcd_call *call = calloc(1, bytes);

	if (!call)
		return NULL;
	call->calls = calls;
	call->kind = kind;
	TAILQ_INSERT_TAIL(&calls->all, call, all);
	return call;
}

static void enter_queue(struct etcd_call *call, struct etcd_call_list *queue)
{
	leave_queue(call);
	call->waits_in = queue;
	TAILQ_INSERT_TAIL(queue, call, queue);
}

struct etcd_call *etcd_call_reject(struct etcd_call *call, int error, const char *why)
{
	struct etcd_calls *calls = call->calls;

	call->over = false;
	call->error = why_set(&call->why, error, "%s", why);
	enter_queue(call, &calls->rejected);
	event_active(calls->dispatch, 0, 0);
	return call;
}

struct etcd_call *etcd_call_submit(struct etcd_call *call)
{
	if (call->body.failed)
		return etcd_call_reject(call, SM_ENOMEM, "out of memory");
	call->since_ms = etcd_http_now_ms();
	call->over = false;
	enter_queue(call, &call->calls->queue);
	pump(call->calls);
	return call;
}

void etcd_call_again(struct etcd_call *call)
{
	call->tries = call->tokens = 0;
	call->maybe_executed = false;
	etcd_call_submit(call);
}

bool etcd_call_is_cancelled(const struct etcd_call *call)
{
	return call->cancelled;
}

/* The last thing done with the client in whatever led here: the user may free everything. */
static void finish(struct etcd_call *call, int error, const char *why)
{
	call->over = call->running = true;
	call->kind->finish(call, error, why);
	call->running = false;
	if (!call->over)
		return;
	if (!call->cancelled)
		TAILQ_REMOVE(&call->calls->all, call, all);
	destroy(call);
}

static void cancel(struct etcd_call *call)
{
	struct etcd_calls *calls = call->calls;

	if (call->transfer) {
		etcd_http_cancel(call->transfer);
		call->transfer = NULL;
		calls->active--;
	}
	leave_queue(call);
	TAILQ_REMOVE(&calls->all, call, all);
	call->over = call->cancelled = true;
	if (!call->running)
		destroy(call);
}

void etcd_call_cancel(struct etcd_call *call)
{
	struct etcd_calls *calls = call->calls;

	cancel(call);
	pump(calls);
}

/* ---- one try ---- */

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_call *call = arg;

	(void)fd;
	(void)what;
	enter_queue(call, &call->calls->queue);
	pump(call->calls);
}

/* Time is over for a call when nothing at all was answered for as long as its tries may take. A long queue before an etcd that answers is
 * no reason to give up. */
static bool is_late(const struct etcd_call *call)
{
	const struct etcd_calls *calls = call->calls;
	uint64_t since = call->since_ms > calls->answered_ms ? call->since_ms : calls->answered_ms;

	return etcd_http_now_ms() >= since + (calls->parts->endpoints.count + 1) * calls->parts->timeout_ms;
}

/* Another try, if one is left. */
static bool try_again(struct etcd_call *call)
{
	struct etcd_calls *calls = call->calls;
	struct timeval pause = { .tv_usec = PAUSE_MS * 1000 };

	if (call->tries > calls->parts->endpoints.count || is_late(call))
		return false;
	if (call->tries < calls->parts->endpoints.count) {
		enter_queue(call, &call->calls->queue);
		return true;
	}
	if (!call->pause)
		call->pause = evtimer_new(calls->parts->base, on_pause_over, call);
	if (!call->pause || evtimer_add(call->pause, &pause) < 0)
		return false;
	return true;
}

static int decode(struct etcd_call *call, const struct etcd_transfer_answer *answer, struct etcd_verdict *verdict)
{
	json_t *body = json_loadb(answer->body, answer->body_bytes, 0, NULL);

	*verdict = etcd_error_judge(answer->status, body, &call->why);
	if (!verdict->error) {
		why_set(&call->why, 0, "an answer that makes no sense");
		verdict->error = json_is_object(body) ? call->kind->decode(call, body, &call->why) : SM_EPROTO;
	}
	json_decref(body);
	if (verdict->error == SM_ENOMEM && call->kind->repeat != ETCD_CALL_REPEAT)
		verdict->error = SM_EUNKNOWN;
	return verdict->error;
}

/* What is left of an error when there are no more tries. */
static int final_error(const struct etcd_call *call, int error)
{
	bool may_differ = error == SM_EUNKNOWN || error == SM_EUNAVAILABLE || error == SM_EPROTO;

	if (!may_differ)
		return error;
	if (call->kind->repeat != ETCD_CALL_REPEAT)
		return call->maybe_executed ? SM_EUNKNOWN : SM_EUNAVAILABLE;
	return error == SM_EPROTO ? SM_EPROTO : SM_EUNAVAILABLE;
}

/* Whether the call goes on with another try; else *error is what it ends with. */
static bool goes_on(struct etcd_call *call, const struct etcd_verdict *verdict, int *error)
{
	struct etcd_calls *calls = call->calls;

	if (verdict->token && call->tokens++ < TOKENS && etcd_auth_refused(calls->parts->auth, call->generation)) {
		call->tries--;
		enter_queue(call, &call->calls->queue);
		return true;
	}
	if (*error != SM_EUNKNOWN && *error != SM_EUNAVAILABLE && *error != SM_EPROTO)
		return false;
	etcd_endpoints_failed(&calls->parts->endpoints, call->endpoint);
	if (*error != SM_EUNAVAILABLE)
		call->maybe_executed = true;
	if (!(call->kind->repeat == ETCD_CALL_ONCE && call->maybe_executed) && try_again(call))
		return true;
	*error = final_error(call, *error);
	return false;
}

static void on_ended(void *arg, const struct etcd_transfer_answer *answer)
{
	struct etcd_call *call = arg;
	struct etcd_calls *calls = call->calls;
	struct etcd_verdict verdict = { 0 };
	int error = answer->error;
	bool on;

	call->transfer = NULL;
	calls->active--;
	if (error)
		why_set(&call->why, 0, "etcd at %s: %s", calls->parts->endpoints.list[call->endpoint].name,
		        answer->why);
	else
		error = decode(call, answer, &verdict);
	if (!answer->error)
		calls->answered_ms = etcd_http_now_ms();
	on = error && goes_on(call, &verdict, &error);
	pump(calls);
	if (!on)
		finish(call, error, error ? call->why.text : "");
}

static const struct etcd_transfer_handler handler = { .ended = on_ended };

static void start(struct etcd_call *call)
{
	struct etcd_calls *calls = call->calls;
	struct etcd_transfer_request request = { .path = call->kind->path,
		.token = etcd_auth_token(calls->parts->auth),
		.body = call->body.data,
		.body_bytes = call->body.bytes,
		.timeout_ms = calls->parts->timeout_ms,
		.once = call->kind->repeat == ETCD_CALL_ONCE,
		.separate = calls->parts->separate_connections };

	leave_queue(call);
	call->endpoint = calls->parts->endpoints.current;
	call->generation = etcd_auth_generation(calls->parts->auth);
	call->tries++;
	request.endpoint = &calls->parts->endpoints.list[call->endpoint];
	call->transfer = etcd_http_post(calls->parts->http, &request, &handler, call);
	if (call->transfer) {
		calls->active++;
		return;
	}
	etcd_call_reject(call, SM_ENOMEM, "out of memory");
}

/* Those whose time ran out in the queue end here; their endpoints hang, and more waiting only makes it worse. */
static void start_or_expire(struct etcd_call *call)
{
	if (!is_late(call)) {
		start(call);
		return;
	}
	etcd_call_reject(call, final_error(call, SM_EUNAVAILABLE), "etcd did not answer in time");
}

static void reject_queue(struct etcd_calls *calls, int error, const char *why)
{
	struct etcd_call *call;

	while ((call = TAILQ_FIRST(&calls->queue))) {
		leave_queue(call);
		etcd_call_reject(call, final_error(call, error), why);
	}
}

/* Starts what can be started. Calls no user. */
static void pump(struct etcd_calls *calls)
{
	if (TAILQ_EMPTY(&calls->queue))
		return;
	if (!etcd_auth_is_ready(calls->parts->auth)) {
		if (etcd_auth_wait(calls->parts->auth, &calls->waiter))
			reject_queue(calls, SM_ENOMEM, "out of memory");
		return;
	}
	while (calls->active < calls->parts->connections && !TAILQ_EMPTY(&calls->queue))
		start_or_expire(TAILQ_FIRST(&calls->queue));
}

static void on_token(void *arg, int error, const char *why)
{
	struct etcd_calls *calls = arg;

	if (error)
		reject_queue(calls, error, why);
	else
		pump(calls);
}

static void on_dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_calls *calls = arg;
	struct etcd_call *call = TAILQ_FIRST(&calls->rejected);

	(void)fd;
	(void)what;
	if (!call)
		return;
	leave_queue(call);
	if (!TAILQ_EMPTY(&calls->rejected))
		event_active(calls->dispatch, 0, 0);
	finish(call, call->error, call->why.text);
}

/* ---- the queue ---- */

struct etcd_calls *etcd_call_queue_new(struct etcd_parts *parts)
{
	struct etcd_calls *calls = calloc(1, sizeof(*calls));

	if (!calls)
		return NULL;
	calls->parts = parts;
	calls->waiter.ready = on_token;
	calls->waiter.arg = calls;
	TAILQ_INIT(&calls->all);
	TAILQ_INIT(&calls->queue);
	TAILQ_INIT(&calls->rejected);
	calls->dispatch = event_new(parts->base, -1, 0, on_dispatch, calls);
	if (!calls->dispatch) {
		free(calls);
		return NULL;
	}
	return calls;
}

void etcd_call_queue_free(struct etcd_calls *calls)
{
	if (!calls)
		return;
	while (!TAILQ_EMPTY(&calls->all))
		cancel(TAILQ_FIRST(&calls->all));
	etcd_auth_forget(calls->parts->auth, &calls->waiter);
	event_free(calls->dispatch);
	free(calls);
}
