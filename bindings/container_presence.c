/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Registration, renewal, and the timer at the deadline.
 */
#include "container_presence.h"

#include "container_register.h"
#include "container_renew.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define WARM_S 90 /* how long suspended shards wait for etcd before they are given up */

struct container_presence {
	struct container_presence_parts parts;
	const struct container_presence_handler *handler;
	void *arg;
	struct container_register *registration;
	struct container_renew *renewal;
	struct event *deadline, *warm;
	int deadline_fd;
};

static void on_revoked_in_passing(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	(void)arg;
	(void)error;
	(void)why;
	(void)lease;
	(void)ttl_s;
}

/* Nobody waits for it: without it the lease expires by itself. */
static void revoke_in_passing(struct container_presence *presence)
{
	if (presence->parts.identity->lease > 0)
		etcd_lease_revoke(presence->parts.etcd, presence->parts.identity->lease, on_revoked_in_passing, NULL);
	container_identity_set_lease(presence->parts.identity, 0);
}

static void end_registration(struct container_presence *presence)
{
	container_register_free(presence->registration);
	presence->registration = NULL;
}

/* From here on nothing is believed, and no answer that is still under way changes that. */
static void forget_session(struct container_presence *presence)
{
	container_held_end(presence->parts.held);
	if (presence->parts.session->incarnation != 0)
		container_identity_end(presence->parts.identity, presence->parts.session->incarnation);
	container_session_end(presence->parts.session);
	container_renew_free(presence->renewal);
	presence->renewal = NULL;
	event_del(presence->deadline);
	event_del(presence->warm);
}

void container_presence_end(struct container_presence *presence, const char *reason)
{
	if (presence->parts.session->incarnation == 0)
		return;
	forget_session(presence);
	revoke_in_passing(presence);
	presence->handler->ended(presence->arg, reason);
}

static void on_gone(void *arg, const char *reason)
{
	container_presence_end(arg, reason);
}

static void on_warm_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	container_presence_end(arg, "etcd has not answered for too long");
}

/* ---- deadline and proofs ---- */

static void arm_deadline(struct container_presence *presence)
{
	/* By the clock that gets there first, on a timer that counts suspends; what is held does not depend on it. */
	uint64_t left_ns = container_session_left_ns(presence->parts.session, clocks_now());
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(left_ns / 1000000000u),
		                           .tv_nsec = (long)(left_ns % 1000000000u) } };

	if (left_ns == 0)
		when.it_value.tv_nsec = 1;
	timerfd_settime(presence->deadline_fd, 0, &when, NULL);
	event_add(presence->deadline, NULL);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct container_presence *presence = arg;
	struct timeval warm = { .tv_sec = WARM_S };
	uint64_t expirations;

	(void)what;
	if (read(fd, &expirations, sizeof expirations) < 0)
		return;
	if (container_session_live(presence->parts.session, clocks_now())) {
		arm_deadline(presence);
		return;
	}
	event_del(presence->deadline);
	if (!container_session_suspend(presence->parts.session, clocks_now()))
		return;
	evtimer_add(presence->warm, &warm);
	presence->handler->suspended(presence->arg);
}

void container_presence_answered(struct container_presence *presence, const struct container_session_mark *mark,
        const struct etcd_header *header, bool proves)
{
	struct container_session *session = presence->parts.session;

	if (container_session_went_back(session, mark, header->revision, header->raft_term)) {
		container_presence_end(presence, "etcd went back in time: was it restored from a backup?");
		return;
	}
	if (!proves)
		return;
	enum container_session_proof proof = container_session_prove(session, mark, clocks_now());
	if (proof == CONTAINER_SESSION_DISCARDED)
		return;
	container_held_extend(presence->parts.held, session->deadline);
	if (proof == CONTAINER_SESSION_RESUMED) {
		event_del(presence->warm);
		arm_deadline(presence);
		presence->handler->resumed(presence->arg);
	}
}

/* ---- beginning ---- */

static void on_answered(
        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves)
{
	container_presence_answered(arg, mark, header, proves);
}

static void on_trouble(void *arg, const char *text)
{
	struct container_presence *presence = arg;

	presence->handler->trouble(presence->arg, text);
}

static void on_registered(
        void *arg, const struct container_session_mark *mark, int64_t incarnation, const struct etcd_header *header)
{
	static const struct container_renew_handler handler = {
		.answered = on_answered,
		.gone = on_gone,
		.trouble = on_trouble,
	};
	struct container_presence *presence = arg;
	const struct container_presence_parts *parts = &presence->parts;
	struct container_renew_parts renew = {
		.base = parts->base,
		.keepalives = parts->keepalives,
		.proofs = parts->proofs,
		.watches = parts->etcd,
		.identity = parts->identity,
		.session = parts->session,
		.ttl_s = parts->ttl_s,
	};

	container_session_went_back(parts->session, mark, header->revision, header->raft_term);
	container_session_begin(parts->session, incarnation, mark);
	end_registration(presence); /* mark was its */
	if (container_renew_new(&renew, header->revision, &handler, presence, &presence->renewal) != 0) {
		container_presence_end(presence, sm_error_text(SM_ENOMEM));
		return;
	}
	container_held_extend(parts->held, parts->session->deadline);
	arm_deadline(presence);
	presence->handler->opened(presence->arg);
}

static void on_failed(void *arg, int error, const char *text)
{
	struct container_presence *presence = arg;

	end_registration(presence);
	revoke_in_passing(presence);
	presence->handler->failed(presence->arg, error, text);
}

void container_presence_begin(struct container_presence *presence)
{
	static const struct container_register_handler handler = {
		.registered = on_registered,
		.waiting = on_trouble,
		.failed = on_failed,
	};
	const struct container_presence_parts *parts = &presence->parts;
	int error = container_register_new(parts->base, parts->etcd, parts->identity, parts->session, parts->ttl_s,
	        parts->heartbeat, &handler, presence, &presence->registration);

	if (error)
		presence->handler->failed(presence->arg, error, sm_error_text(error));
}

/* ---- leaving ---- */

static void on_revoked(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	struct container_presence *presence = arg;

	(void)error;
	(void)why;
	(void)lease;
	(void)ttl_s;
	presence->handler->left(presence->arg);
}

void container_presence_leave(struct container_presence *presence)
{
	int64_t lease = presence->parts.identity->lease;

	if (presence->registration)
		end_registration(presence);
	forget_session(presence);
	container_identity_set_lease(presence->parts.identity, 0);
	if (lease <= 0 || !etcd_lease_revoke(presence->parts.etcd, lease, on_revoked, presence))
		presence->handler->left(presence->arg);
}

/* ---- life ---- */

int container_presence_new(const struct container_presence_parts *parts,
        const struct container_presence_handler *handler, void *arg, struct container_presence **ret_presence)
{
	struct container_presence *presence = calloc(1, sizeof *presence);

	if (!presence)
		return SM_ENOMEM;
	presence->parts = *parts;
	presence->handler = handler;
	presence->arg = arg;
	presence->deadline_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (presence->deadline_fd < 0) {
		free(presence);
		return SM_ESYSTEM;
	}
	presence->deadline = event_new(parts->base, presence->deadline_fd, EV_READ | EV_PERSIST, on_deadline, presence);
	presence->warm = evtimer_new(parts->base, on_warm_over, presence);
	if (!presence->deadline || !presence->warm) {
		container_presence_free(presence);
		return SM_ENOMEM;
	}
	*ret_presence = presence;
	return 0;
}

void container_presence_free(struct container_presence *presence)
{
	if (!presence)
		return;
	container_register_free(presence->registration);
	container_renew_free(presence->renewal);
	if (presence->deadline)
		event_free(presence->deadline);
	if (presence->warm)
		event_free(presence->warm);
	close(presence->deadline_fd);
	free(presence);
}
