/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The token that etcd gives for user and password, fetched when somebody needs it and again when it was refused. One token serves all
 * members.
 */
#ifndef ETCD_AUTH_H
#define ETCD_AUTH_H

#include "etcd_http.h"

struct etcd_auth;

/* Who waits for the token. */
struct etcd_auth_waiter {
	/* error 0: ask etcd_auth_token. SM_EREFUSED: wrong user or password; SM_EUNAVAILABLE: no endpoint answered. Called from the loop; may do
	 * everything. */
	void (*ready)(void *arg, int error, const char *why);
	void *arg;
	/* Its own: */
	bool waiting;
	unsigned round;
	TAILQ_ENTRY(etcd_auth_waiter) next;
};

/* username NULL: no authentication, the token is always ready. Strings are copied, http and endpoints borrowed. */
int etcd_auth_new(struct etcd_http *http, struct etcd_endpoints *endpoints, const char *username, const char *password,
        unsigned timeout_ms, struct etcd_auth **ret_auth);
void etcd_auth_free(struct etcd_auth *auth); /* calls nobody; NULL is fine */

bool etcd_auth_is_ready(const struct etcd_auth *auth);
/* What goes with a request when ready; NULL = nothing. Valid until etcd_auth_refused. */
const char *etcd_auth_token(const struct etcd_auth *auth);
/* Counts the tokens, to tell in etcd_auth_refused which one it was. */
unsigned etcd_auth_generation(const struct etcd_auth *auth);
/* The token of that generation was refused. false: there is no user and password, another token cannot be had. */
bool etcd_auth_refused(struct etcd_auth *auth, unsigned generation);
/* Not ready: fetches the token and calls the waiter once. SM_ENOMEM: it is not waiting. */
int etcd_auth_wait(struct etcd_auth *auth, struct etcd_auth_waiter *waiter);
void etcd_auth_forget(struct etcd_auth *auth, struct etcd_auth_waiter *waiter);

#endif
