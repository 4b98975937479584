/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The client and its unary calls.
 */
#include "etcd_client.h"

#include "etcd_error.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 5000u
#define CONNECTIONS 4u
#define WATCH_INTERVAL_MS 2000u
#define WATCH_PATIENCE_MS 3000u
#define PAUSE_MS 100u /* before an endpoint is asked again in the same call */
#define TOKENS 2u     /* new tokens per call */

struct etcd {
	struct etcd_client_parts parts;
	struct etcd_endpoints endpoints;
	unsigned connections, active;
	uint64_t answered_ms; /* when etcd last answered anything */
	struct etcd_client_queue all, queue, rejected;
	struct etcd_auth_waiter waiter;
	struct event *dispatch; /* hands out rejected calls */
	TAILQ_HEAD(, etcd_client_guest) guests;
};

static void pump(struct etcd *etcd);

uint64_t etcd_client_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

const struct etcd_client_parts *etcd_client_parts(const struct etcd *etcd)
{
	return &etcd->parts;
}

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

struct etcd_call *etcd_client_new_call(struct etcd *etcd, const struct etcd_client_kind *kind, size_t bytes)
{
	struct etcd_call *call = calloc(1, bytes);

	if (!call)
		return NULL;
	call->etcd = etcd;
	call->kind = kind;
	TAILQ_INSERT_TAIL(&etcd->all, call, all);
	return call;
}

static void enter_queue(struct etcd_call *call, struct etcd_client_queue *queue)
{
	leave_queue(call);
	call->waits_in = queue;
	TAILQ_INSERT_TAIL(queue, call, queue);
}

struct etcd_call *etcd_client_reject(struct etcd_call *call, int error, const char *why)
{
	struct etcd *etcd = call->etcd;

	call->over = false;
	call->error = why_set(&call->why, error, "%s", why);
	enter_queue(call, &etcd->rejected);
	event_active(etcd->dispatch, 0, 0);
	return call;
}

struct etcd_call *etcd_client_submit(struct etcd_call *call)
{
	if (call->body.failed)
		return etcd_client_reject(call, SM_ENOMEM, "out of memory");
	call->since_ms = etcd_client_now_ms();
	call->over = false;
	enter_queue(call, &call->etcd->queue);
	pump(call->etcd);
	return call;
}

void etcd_client_again(struct etcd_call *call)
{
	call->tries = call->tokens = 0;
	call->maybe_executed = false;
	etcd_client_submit(call);
}

bool etcd_client_is_cancelled(const struct etcd_call *call)
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
		TAILQ_REMOVE(&call->etcd->all, call, all);
	destroy(call);
}

static void cancel(struct etcd_call *call)
{
	struct etcd *etcd = call->etcd;

	if (call->transfer) {
		etcd_http_cancel(call->transfer);
		call->transfer = NULL;
		etcd->active--;
	}
	leave_queue(call);
	TAILQ_REMOVE(&etcd->all, call, all);
	call->over = call->cancelled = true;
	if (!call->running)
		destroy(call);
}

void etcd_cancel(struct etcd_call *call)
{
	struct etcd *etcd = call->etcd;

	cancel(call);
	pump(etcd);
}

/* ---- one try ---- */

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_call *call = arg;

	(void)fd;
	(void)what;
	enter_queue(call, &call->etcd->queue);
	pump(call->etcd);
}

/* Time is over for a call when nothing at all was answered for as long as its tries may take. A long queue before an etcd that answers is
 * no reason to give up. */
static bool is_late(const struct etcd_call *call)
{
	const struct etcd *etcd = call->etcd;
	uint64_t since = call->since_ms > etcd->answered_ms ? call->since_ms : etcd->answered_ms;

	return etcd_client_now_ms() >= since + (etcd->endpoints.count + 1) * etcd->parts.timeout_ms;
}

/* Another try, if one is left. */
static bool try_again(struct etcd_call *call)
{
	struct etcd *etcd = call->etcd;
	struct timeval pause = { .tv_usec = PAUSE_MS * 1000 };

	if (call->tries > etcd->endpoints.count || is_late(call))
		return false;
	if (call->tries < etcd->endpoints.count) {
		enter_queue(call, &call->etcd->queue);
		return true;
	}
	if (!call->pause)
		call->pause = evtimer_new(etcd->parts.base, on_pause_over, call);
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
	if (verdict->error == SM_ENOMEM && call->kind->repeat != ETCD_CLIENT_REPEAT)
		verdict->error = SM_EUNKNOWN;
	return verdict->error;
}

/* What is left of an error when there are no more tries. */
static int final_error(const struct etcd_call *call, int error)
{
	bool may_differ = error == SM_EUNKNOWN || error == SM_EUNAVAILABLE || error == SM_EPROTO;

	if (!may_differ)
		return error;
	if (call->kind->repeat != ETCD_CLIENT_REPEAT)
		return call->maybe_executed ? SM_EUNKNOWN : SM_EUNAVAILABLE;
	return error == SM_EPROTO ? SM_EPROTO : SM_EUNAVAILABLE;
}

/* Whether the call goes on with another try; else *error is what it ends with. */
static bool goes_on(struct etcd_call *call, const struct etcd_verdict *verdict, int *error)
{
	struct etcd *etcd = call->etcd;

	if (verdict->token && call->tokens++ < TOKENS && etcd_auth_refused(etcd->parts.auth, call->generation)) {
		call->tries--;
		enter_queue(call, &call->etcd->queue);
		return true;
	}
	if (*error != SM_EUNKNOWN && *error != SM_EUNAVAILABLE && *error != SM_EPROTO)
		return false;
	etcd_endpoints_failed(&etcd->endpoints, call->endpoint);
	if (*error != SM_EUNAVAILABLE)
		call->maybe_executed = true;
	if (!(call->kind->repeat == ETCD_CLIENT_ONCE && call->maybe_executed) && try_again(call))
		return true;
	*error = final_error(call, *error);
	return false;
}

static void on_ended(void *arg, const struct etcd_transfer_answer *answer)
{
	struct etcd_call *call = arg;
	struct etcd *etcd = call->etcd;
	struct etcd_verdict verdict = { 0 };
	int error = answer->error;
	bool on;

	call->transfer = NULL;
	etcd->active--;
	if (error)
		why_set(&call->why, 0, "etcd at %s: %s", etcd->endpoints.list[call->endpoint].name, answer->why);
	else
		error = decode(call, answer, &verdict);
	if (!answer->error)
		etcd->answered_ms = etcd_client_now_ms();
	on = error && goes_on(call, &verdict, &error);
	pump(etcd);
	if (!on)
		finish(call, error, error ? call->why.text : "");
}

static const struct etcd_transfer_handler handler = { .ended = on_ended };

static void start(struct etcd_call *call)
{
	struct etcd *etcd = call->etcd;
	struct etcd_transfer_request request = { .path = call->kind->path,
		.token = etcd_auth_token(etcd->parts.auth),
		.body = call->body.data,
		.body_bytes = call->body.bytes,
		.timeout_ms = etcd->parts.timeout_ms,
		.once = call->kind->repeat == ETCD_CLIENT_ONCE };

	leave_queue(call);
	call->endpoint = etcd->endpoints.current;
	call->generation = etcd_auth_generation(etcd->parts.auth);
	call->tries++;
	request.endpoint = &etcd->endpoints.list[call->endpoint];
	call->transfer = etcd_http_post(etcd->parts.http, &request, &handler, call);
	if (call->transfer) {
		etcd->active++;
		return;
	}
	etcd_client_reject(call, SM_ENOMEM, "out of memory");
}

/* Those whose time ran out in the queue end here; their endpoints hang, and more waiting only makes it worse. */
static void start_or_expire(struct etcd_call *call)
{
	if (!is_late(call)) {
		start(call);
		return;
	}
	etcd_client_reject(call, final_error(call, SM_EUNAVAILABLE), "etcd did not answer in time");
}

static void reject_queue(struct etcd *etcd, int error, const char *why)
{
	struct etcd_call *call;

	while ((call = TAILQ_FIRST(&etcd->queue))) {
		leave_queue(call);
		etcd_client_reject(call, final_error(call, error), why);
	}
}

/* Starts what can be started. Calls no user. */
static void pump(struct etcd *etcd)
{
	if (TAILQ_EMPTY(&etcd->queue))
		return;
	if (!etcd_auth_is_ready(etcd->parts.auth)) {
		if (etcd_auth_wait(etcd->parts.auth, &etcd->waiter))
			reject_queue(etcd, SM_ENOMEM, "out of memory");
		return;
	}
	while (etcd->active < etcd->connections && !TAILQ_EMPTY(&etcd->queue))
		start_or_expire(TAILQ_FIRST(&etcd->queue));
}

static void on_token(void *arg, int error, const char *why)
{
	struct etcd *etcd = arg;

	if (error)
		reject_queue(etcd, error, why);
	else
		pump(etcd);
}

static void on_dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct etcd *etcd = arg;
	struct etcd_call *call = TAILQ_FIRST(&etcd->rejected);

	(void)fd;
	(void)what;
	if (!call)
		return;
	leave_queue(call);
	if (!TAILQ_EMPTY(&etcd->rejected))
		event_active(etcd->dispatch, 0, 0);
	finish(call, call->error, call->why.text);
}

/* ---- the client ---- */

void etcd_client_enter(struct etcd *etcd, struct etcd_client_guest *guest)
{
	TAILQ_INSERT_TAIL(&etcd->guests, guest, next);
}

void etcd_client_leave(struct etcd *etcd, struct etcd_client_guest *guest)
{
	TAILQ_REMOVE(&etcd->guests, guest, next);
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

static int set_up(struct etcd *etcd, const struct etcd_config *config, struct why *why)
{
	struct etcd_transfer_tls tls = { (char *)config->ca_file, (char *)config->cert_file, (char *)config->key_file };
	int error = etcd_endpoints_init(
	        &etcd->endpoints, config->endpoints, config->endpoint_count, config->ca_file || config->cert_file, why);

	if (error)
		return error;
	etcd->dispatch = event_new(etcd->parts.base, -1, 0, on_dispatch, etcd);
	if (!etcd->dispatch || etcd_http_new(etcd->parts.base, &tls, &etcd->parts.http) ||
	        etcd_auth_new(etcd->parts.http, &etcd->endpoints, config->username, config->password,
	                etcd->parts.timeout_ms, &etcd->parts.auth))
		return why_set(why, SM_ENOMEM, "out of memory");
	return 0;
}

int etcd_new(struct event_base *base, const struct etcd_config *config, struct etcd **ret_etcd, struct why *why)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	int error;

	if (!etcd)
		return why_set(why, SM_ENOMEM, "out of memory");
	etcd->parts.base = base;
	etcd->parts.endpoints = &etcd->endpoints;
	etcd->parts.timeout_ms = or_default(config->timeout_ms, TIMEOUT_MS);
	etcd->parts.watch_interval_ms = or_default(config->watch_interval_ms, WATCH_INTERVAL_MS);
	etcd->parts.watch_patience_ms = or_default(config->watch_patience_ms, WATCH_PATIENCE_MS);
	etcd->connections = or_default(config->connections, CONNECTIONS);
	etcd->waiter.ready = on_token;
	etcd->waiter.arg = etcd;
	TAILQ_INIT(&etcd->all);
	TAILQ_INIT(&etcd->queue);
	TAILQ_INIT(&etcd->rejected);
	TAILQ_INIT(&etcd->guests);
	error = set_up(etcd, config, why);
	if (error) {
		etcd_free(etcd);
		return error;
	}
	*ret_etcd = etcd;
	return 0;
}

void etcd_free(struct etcd *etcd)
{
	struct etcd_client_guest *guest;

	if (!etcd)
		return;
	while ((guest = TAILQ_FIRST(&etcd->guests)))
		guest->end(guest);
	while (!TAILQ_EMPTY(&etcd->all))
		cancel(TAILQ_FIRST(&etcd->all));
	etcd_auth_free(etcd->parts.auth);
	etcd_http_free(etcd->parts.http);
	etcd_endpoints_done(&etcd->endpoints);
	if (etcd->dispatch)
		event_free(etcd->dispatch);
	free(etcd);
}
