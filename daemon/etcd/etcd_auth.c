/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The token for user and password.
 */
#include "etcd_auth.h"

#include "etcd_error.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

struct etcd_auth {
	struct etcd_http *http;
	struct etcd_endpoints *endpoints;
	char *token;
	unsigned timeout_ms, generation, round;
	bool configured;
	bool off; /* this etcd has authentication switched off */
	size_t endpoint, tries;
	struct etcd_text body;
	struct etcd_transfer *transfer;
	TAILQ_HEAD(, etcd_auth_waiter) waiters;
	bool calling, freed; /* waiters are being called; auth was freed meanwhile */
};

static void on_ended(void *arg, const struct etcd_transfer_answer *answer);

static const struct etcd_transfer_handler handler = { .ended = on_ended };

static int ask(struct etcd_auth *auth)
{
	struct etcd_transfer_request request = { .path = "/v3/auth/authenticate",
		.body = auth->body.data,
		.body_bytes = auth->body.bytes,
		.timeout_ms = auth->timeout_ms };

	auth->endpoint = auth->endpoints->current;
	request.endpoint = &auth->endpoints->list[auth->endpoint];
	auth->transfer = etcd_http_post(auth->http, &request, &handler, auth);
	return auth->transfer ? 0 : SM_ENOMEM;
}

static void call_waiters(struct etcd_auth *auth, int error, const char *why)
{
	struct etcd_auth_waiter *waiter;
	unsigned round = auth->round++;

	auth->calling = true;
	/* Those who come while these are called have asked for another answer, and are behind them. */
	while (!auth->freed && (waiter = TAILQ_FIRST(&auth->waiters)) && waiter->round == round) {
		etcd_auth_forget(auth, waiter);
		waiter->ready(waiter->arg, error, why);
	}
	auth->calling = false;
	if (auth->freed)
		free(auth);
}

/* Takes the token out of the answer. */
static int take_token(struct etcd_auth *auth, const struct etcd_transfer_answer *answer, struct why *why)
{
	json_t *body = json_loadb(answer->body, answer->body_bytes, 0, NULL);
	const char *token = json_string_value(json_object_get(body, "token"));
	struct etcd_verdict verdict = etcd_error_judge(answer->status, body, why);

	auth->off = verdict.no_auth;
	if (!verdict.error && token && *token && !strpbrk(token, "\r\n"))
		auth->token = strdup(token);
	else if (!verdict.error)
		verdict.error = why_set(why, SM_EPROTO, "etcd's answer to the authentication has no token");
	json_decref(body);
	if (auth->off)
		return 0;
	if (!verdict.error && !auth->token)
		return why_set(why, SM_ENOMEM, "out of memory");
	return verdict.error;
}

static void on_ended(void *arg, const struct etcd_transfer_answer *answer)
{
	struct etcd_auth *auth = arg;
	struct why why = { "" };
	int error = answer->error;

	auth->transfer = NULL;
	if (error)
		why_set(&why, 0, "%s", answer->why);
	else
		error = take_token(auth, answer, &why);
	if (!error)
		auth->generation++;
	if (error && error != SM_EREFUSED && error != SM_ENOMEM) {
		etcd_endpoints_failed(auth->endpoints, auth->endpoint);
		error = SM_EUNAVAILABLE;
		if (++auth->tries < auth->endpoints->count && ask(auth) == 0)
			return;
	}
	call_waiters(auth, error, why.text);
}

int etcd_auth_new(struct etcd_http *http, struct etcd_endpoints *endpoints, const char *username, const char *password,
        unsigned timeout_ms, struct etcd_auth **ret_auth)
{
	struct etcd_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return SM_ENOMEM;
	auth->http = http;
	auth->endpoints = endpoints;
	auth->timeout_ms = timeout_ms;
	TAILQ_INIT(&auth->waiters);
	if (username) {
		auth->configured = true;
		etcd_text_add(&auth->body, "{\"name\":");
		etcd_text_add_string(&auth->body, username);
		etcd_text_add(&auth->body, ",\"password\":");
		etcd_text_add_string(&auth->body, password ? password : "");
		etcd_text_add(&auth->body, "}");
	}
	if (auth->body.failed) {
		etcd_auth_free(auth);
		return SM_ENOMEM;
	}
	*ret_auth = auth;
	return 0;
}

void etcd_auth_free(struct etcd_auth *auth)
{
	if (!auth)
		return;
	if (auth->transfer)
		etcd_http_cancel(auth->transfer);
	if (auth->body.data)
		explicit_bzero(auth->body.data, auth->body.bytes);
	etcd_text_done(&auth->body);
	free(auth->token);
	auth->freed = true;
	if (!auth->calling)
		free(auth);
}

bool etcd_auth_is_ready(const struct etcd_auth *auth)
{
	return !auth->configured || auth->token || auth->off;
}

const char *etcd_auth_token(const struct etcd_auth *auth)
{
	return auth->token;
}

unsigned etcd_auth_generation(const struct etcd_auth *auth)
{
	return auth->generation;
}

bool etcd_auth_refused(struct etcd_auth *auth, unsigned generation)
{
	if (!auth->configured)
		return false;
	if (generation == auth->generation) {
		free(auth->token);
		auth->token = NULL;
		auth->off = false;
	}
	return true;
}

int etcd_auth_wait(struct etcd_auth *auth, struct etcd_auth_waiter *waiter)
{
	if (waiter->waiting)
		return 0;
	if (!auth->transfer) {
		auth->tries = 0;
		if (ask(auth))
			return SM_ENOMEM;
	}
	waiter->waiting = true;
	waiter->round = auth->round;
	TAILQ_INSERT_TAIL(&auth->waiters, waiter, next);
	return 0;
}

void etcd_auth_forget(struct etcd_auth *auth, struct etcd_auth_waiter *waiter)
{
	if (waiter->waiting)
		TAILQ_REMOVE(&auth->waiters, waiter, next);
	waiter->waiting = false;
}
