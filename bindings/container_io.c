/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Wires the parts together. Session logic is here, per-shard logic in container_claim, arithmetic in container_session.
 */
#include "container_io.h"

#include "container_admin.h"
#include "container_register.h"
#include "container_renew.h"
#include "container_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define WARM_S 90 /* R4: how long suspended shards wait for etcd before they are given up */

enum phase { REGISTERING, OPEN, ENDED, REVOKING, STOPPED, FAILED };
enum { CLIENT_WORK, CLIENT_KEEPALIVE, CLIENT_PROOF, CLIENTS };

struct container_io {
	pthread_t thread;
	struct event_base *base;
	struct container_held *held;
	struct container_mailbox *mailbox;
	struct container_identity identity;
	struct container_session session;
	struct container_orders_target target;
	unsigned ttl_s;
	char *heartbeat;
	struct etcd *etcd[CLIENTS];
	struct container_register *registration;
	struct container_renew *renewal;
	struct container_work *work;
	struct container_admin *admin;
	struct event *wake, *deadline, *warm, *settle, *closing;
	int deadline_fd;
	enum phase phase;
	bool stop_seen, close_seen;
};

static void begin_session(struct container_io *io);

static void set_state(struct container_io *io, enum sm_state state)
{
	bool leaving = io->stop_seen || io->close_seen;

	container_mailbox_set_state(io->mailbox, leaving && state != SM_STATE_STOPPED ? SM_STATE_STOPPING : state, 0);
}

/* Something may have become possible; looked at from the loop, never from inside what caused it. */
static void settle_soon(struct container_io *io)
{
	event_active(io->settle, EV_TIMEOUT, 0);
}

/* ---- the end of a session ---- */

static void on_revoked_old(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	(void)arg;
	(void)error;
	(void)why;
	(void)lease;
	(void)ttl_s;
}

/* Nobody waits for it: without it the lease expires by itself. */
static void revoke_in_passing(struct container_io *io)
{
	if (io->identity.lease > 0)
		etcd_lease_revoke(io->etcd[CLIENT_WORK], io->identity.lease, on_revoked_old, NULL);
	container_identity_set_lease(&io->identity, 0);
}

static void end_session(struct container_io *io, const char *reason)
{
	if (io->session.incarnation == 0)
		return;
	container_held_end(io->held);
	container_identity_end(&io->identity, io->session.incarnation);
	container_session_end(&io->session);
	container_renew_free(io->renewal);
	io->renewal = NULL;
	event_del(io->deadline);
	event_del(io->warm);
	revoke_in_passing(io);
	io->phase = ENDED;
	container_mailbox_set_trouble(io->mailbox, "the session has ended: %s", reason);
	set_state(io, SM_STATE_OPENING);
	container_work_lost(io->work, reason);
	settle_soon(io);
}

static void on_gone(void *arg, const char *reason)
{
	end_session(arg, reason);
}

static void on_warm_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_session(arg, "etcd has not answered for 90 s");
}

/* ---- the deadline ---- */

static void arm_deadline(struct container_io *io)
{
	/* Relative to the clock that gets there first, on a timer that counts suspends; the held table does not rely on it. */
	uint64_t left_ns = container_session_left_ns(&io->session, clocks_now());
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(left_ns / 1000000000u),
		                           .tv_nsec = (long)(left_ns % 1000000000u) } };

	if (left_ns == 0)
		when.it_value.tv_nsec = 1;
	timerfd_settime(io->deadline_fd, 0, &when, NULL);
	event_add(io->deadline, NULL);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct container_io *io = arg;
	struct timeval warm = { .tv_sec = WARM_S };
	uint64_t expirations;

	(void)what;
	if (read(fd, &expirations, sizeof expirations) < 0)
		return;
	if (container_session_live(&io->session, clocks_now())) {
		arm_deadline(io);
		return;
	}
	event_del(io->deadline);
	if (!container_session_suspend(&io->session, clocks_now()))
		return;
	container_mailbox_set_trouble(io->mailbox,
	        "suspended: etcd has not confirmed the session for %u ms; nothing is held until it answers",
	        io->session.belief_ms);
	set_state(io, SM_STATE_SUSPENDED);
	evtimer_add(io->warm, &warm);
}

/* ---- proofs ---- */

static void on_answered(
        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves)
{
	struct container_io *io = arg;

	if (container_session_went_back(&io->session, mark, header->revision, header->raft_term)) {
		end_session(io, "etcd went back in time: was it restored from a backup?");
		return;
	}
	if (!proves)
		return;
	enum container_session_proof proof = container_session_prove(&io->session, mark, clocks_now());
	if (proof == CONTAINER_SESSION_DISCARDED)
		return;
	container_held_extend(io->held, io->session.deadline);
	if (proof == CONTAINER_SESSION_RESUMED) {
		event_del(io->warm);
		container_mailbox_set_trouble(io->mailbox, "%s", "");
		set_state(io, SM_STATE_OPEN);
		arm_deadline(io);
	}
}

static void on_trouble(void *arg, const char *text)
{
	struct container_io *io = arg;

	container_mailbox_set_trouble(io->mailbox, "%s", text);
}

/* ---- a session begins ---- */

static const struct container_renew_handler renew_handler = {
	.answered = on_answered,
	.gone = on_gone,
	.trouble = on_trouble,
};

static void end_registration(struct container_io *io)
{
	container_register_free(io->registration);
	io->registration = NULL;
}

static void on_registered(
        void *arg, const struct container_session_mark *mark, int64_t incarnation, const struct etcd_header *header)
{
	struct container_io *io = arg;
	struct container_renew_parts parts = {
		.base = io->base,
		.keepalives = io->etcd[CLIENT_KEEPALIVE],
		.proofs = io->etcd[CLIENT_PROOF],
		.watches = io->etcd[CLIENT_WORK],
		.identity = &io->identity,
		.session = &io->session,
		.ttl_s = io->ttl_s,
	};

	end_registration(io);
	container_session_went_back(&io->session, mark, header->revision, header->raft_term);
	container_session_begin(&io->session, incarnation, mark);
	io->phase = OPEN;
	if (container_renew_new(&parts, header->revision, &renew_handler, io, &io->renewal) != 0) {
		end_session(io, sm_error_text(SM_ENOMEM));
		return;
	}
	container_held_extend(io->held, io->session.deadline);
	arm_deadline(io);
	container_mailbox_set_trouble(io->mailbox, "%s", "");
	set_state(io, SM_STATE_OPEN);
}

static void on_register_failed(void *arg, int error, const char *text)
{
	struct container_io *io = arg;

	end_registration(io);
	revoke_in_passing(io);
	io->phase = FAILED;
	container_mailbox_set_trouble(io->mailbox, "%s", text);
	container_mailbox_set_state(io->mailbox, SM_STATE_FAILED, error);
}

static const struct container_register_handler register_handler = {
	.registered = on_registered,
	.waiting = on_trouble,
	.failed = on_register_failed,
};

static void begin_session(struct container_io *io)
{
	io->phase = REGISTERING;
	int error = container_register_new(io->base, io->etcd[CLIENT_WORK], &io->identity, &io->session, io->ttl_s,
	        io->heartbeat, &register_handler, io, &io->registration);
	if (error)
		on_register_failed(io, error, sm_error_text(error));
}

/* ---- stopping ---- */

static void finish(struct container_io *io)
{
	io->phase = STOPPED;
	set_state(io, SM_STATE_STOPPED);
	if (io->close_seen)
		event_base_loopbreak(io->base);
}

static void on_revoked(void *arg, int error, const char *why, int64_t lease, int64_t ttl_s)
{
	(void)error;
	(void)why;
	(void)lease;
	(void)ttl_s;
	finish(arg);
}

static void leave(struct container_io *io)
{
	int64_t lease = io->identity.lease;

	if (io->registration)
		end_registration(io);
	container_renew_free(io->renewal);
	io->renewal = NULL;
	container_held_end(io->held);
	container_session_end(&io->session);
	event_del(io->deadline);
	event_del(io->warm);
	container_identity_set_lease(&io->identity, 0);
	io->phase = REVOKING;
	if (lease <= 0 || !etcd_lease_revoke(io->etcd[CLIENT_WORK], lease, on_revoked, io))
		finish(io);
}

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct container_io *io = arg;
	bool leaving = io->stop_seen || io->close_seen;

	(void)fd;
	(void)what;
	if (container_work_count(io->work) > 0)
		return;
	if (leaving && (io->phase == REGISTERING || io->phase == OPEN || io->phase == ENDED))
		leave(io);
	else if (io->close_seen && (io->phase == STOPPED || io->phase == FAILED))
		event_base_loopbreak(io->base);
	else if (!leaving && io->phase == ENDED)
		begin_session(io);
}

static void on_closing_over(evutil_socket_t fd, short what, void *arg)
{
	struct container_io *io = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(io->base);
}

static void on_stop(struct container_io *io)
{
	io->stop_seen = true;
	if (io->phase != FAILED && io->phase != STOPPED)
		set_state(io, SM_STATE_STOPPING);
	container_work_stop(io->work);
	settle_soon(io);
}

static void on_close(struct container_io *io, int timeout_ms)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	io->close_seen = true;
	evtimer_add(io->closing, &timeout);
	container_work_close(io->work);
	settle_soon(io);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct container_io *io = arg;
	struct container_mailbox_taken taken;

	(void)fd;
	(void)what;
	container_mailbox_take(io->mailbox, &taken);
	for (struct container_mailbox_ticket *ticket = taken.acked, *next; ticket; ticket = next) {
		next = ticket->next;
		container_work_acked(io->work, ticket);
	}
	if (taken.stop && !io->stop_seen)
		on_stop(io);
	if (taken.close && !io->close_seen)
		on_close(io, taken.close_timeout_ms < 0 ? 0 : taken.close_timeout_ms);
}

/* ---- orders ---- */

static const char *phase_text(const struct container_io *io)
{
	if (io->stop_seen || io->close_seen)
		return io->phase == STOPPED ? "stopped" : "stopping";
	switch (io->phase) {
	case REGISTERING:
	case ENDED:
		return "opening";
	case OPEN:
		return container_session_live(&io->session, clocks_now()) ? "open" : "suspended";
	case FAILED:
		return "failed";
	default:
		return "stopped";
	}
}

static bool admin_open(void *arg, const char **ret_why)
{
	*ret_why = phase_text(arg);
	return strcmp(*ret_why, "open") == 0;
}

static void admin_order(void *arg, struct container_order *order)
{
	struct container_io *io = arg;

	container_work_order(io->work, order->id, order->replica, order->add ? order->task : NULL, order);
}

static const char *admin_health(void *arg, size_t *ret_shards)
{
	struct container_io *io = arg;

	*ret_shards = container_work_count(io->work);
	return phase_text(io);
}

static void work_ended(void *arg, void *order, int code, const char *text, uint64_t token)
{
	struct container_io *io = arg;

	container_admin_ended(io->admin, order, code, text, token);
}

static void work_emptied(void *arg)
{
	settle_soon(arg);
}

/* ---- life ---- */

static int make_clients(struct container_io *io, struct sm_options *options)
{
	size_t count;
	const char **endpoints = options_endpoints(options, &count);
	int error = endpoints ? 0 : SM_ENOMEM;
	struct etcd_config config = {
		.endpoints = endpoints,
		.endpoint_count = count,
		.username = options_get(options, OPTIONS_USERNAME),
		.password = options_get(options, OPTIONS_PASSWORD),
		.ca_file = options_get(options, OPTIONS_CACERT),
		.cert_file = options_get(options, OPTIONS_CERT),
		.key_file = options_get(options, OPTIONS_KEY),
	};

	for (size_t i = 0; i < CLIENTS && !error; i++) {
		/* R3: a try of a renewal takes a sixth of the TTL at most; transactions may take longer before they count as unknown. */
		config.timeout_ms = io->ttl_s * 1000u / (i == CLIENT_WORK ? 2u : 6u);
		config.connections = i == CLIENT_WORK ? 0 : 1;
		error = etcd_new(io->base, &config, &io->etcd[i], &options->why);
	}
	free(endpoints);
	return error;
}

static int make_events(struct container_io *io)
{
	io->deadline_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (io->deadline_fd < 0)
		return SM_ESYSTEM;
	io->wake = event_new(io->base, container_mailbox_wake_fd(io->mailbox), EV_READ | EV_PERSIST, on_wake, io);
	io->deadline = event_new(io->base, io->deadline_fd, EV_READ | EV_PERSIST, on_deadline, io);
	io->warm = evtimer_new(io->base, on_warm_over, io);
	io->settle = event_new(io->base, -1, 0, on_settle, io);
	io->closing = evtimer_new(io->base, on_closing_over, io);
	if (!io->wake || !io->deadline || !io->warm || !io->settle || !io->closing)
		return SM_ENOMEM;
	event_add(io->wake, NULL);
	return 0;
}

static int make_parts(struct container_io *io, int fd)
{
	static const struct container_admin_handler admin_handler = {
		.open = admin_open,
		.order = admin_order,
		.health = admin_health,
	};
	static const struct container_work_handler work_handler = {
		.answered = on_answered,
		.fenced = on_gone,
		.ended = work_ended,
		.emptied = work_emptied,
	};
	struct container_work_parts parts = {
		.base = io->base,
		.etcd = io->etcd[CLIENT_WORK],
		.identity = &io->identity,
		.session = &io->session,
		.held = io->held,
		.mailbox = io->mailbox,
	};
	int error = container_admin_new(io->base, fd, &io->target, &admin_handler, io, &io->admin);

	return error ? error : container_work_new(&parts, &work_handler, io, &io->work);
}

static void io_free(struct container_io *io)
{
	struct event *events[] = { io->wake, io->deadline, io->warm, io->settle, io->closing };

	container_register_free(io->registration);
	container_renew_free(io->renewal);
	container_admin_free(io->admin);
	container_work_free(io->work);
	for (size_t i = 0; i < CLIENTS; i++)
		etcd_free(io->etcd[i]);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i])
			event_free(events[i]);
	}
	if (io->deadline_fd >= 0)
		close(io->deadline_fd);
	if (io->base)
		event_base_free(io->base);
	container_identity_done(&io->identity);
	free(io->heartbeat);
	free(io);
}

static void *run(void *arg)
{
	struct container_io *io = arg;

	begin_session(io);
	event_base_dispatch(io->base);
	return NULL;
}

/* With all signals blocked: they are the application's, and a connection that breaks gives EPIPE instead of SIGPIPE. */
static int start_thread(struct container_io *io)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&io->thread, NULL, run, io);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? SM_ESYSTEM : 0;
}

static int make(struct container_io *io, struct sm_options *options, const char *id, int *fd)
{
	json_t *labels = options_labels(options);
	int error = container_identity_init(&io->identity, options_get(options, OPTIONS_PREFIX),
	        options_get(options, OPTIONS_SERVICE), id, &options->why);

	io->ttl_s = options_ttl_s(options);
	io->target = (struct container_orders_target){ .service = io->identity.service, .id = io->identity.id };
	container_session_init(&io->session, io->ttl_s);
	io->heartbeat = records_heartbeat_print(labels);
	json_decref(labels);
	io->base = event_base_new();
	if (!error && (!io->heartbeat || !io->base))
		error = SM_ENOMEM;
	if (!error)
		error = make_clients(io, options);
	if (!error)
		error = make_events(io);
	if (!error) {
		error = make_parts(io, *fd);
		*fd = -1;
	}
	return error ? error : start_thread(io);
}

int container_io_start(struct sm_options *options, const char *id, int fd, struct container_held *held,
        struct container_mailbox *mailbox, struct container_io **ret_io)
{
	struct container_io *io = calloc(1, sizeof *io);
	int error = SM_ENOMEM;

	if (io) {
		io->held = held;
		io->mailbox = mailbox;
		io->deadline_fd = -1;
		options->why.text[0] = '\0';
		error = make(io, options, id, &fd);
	}
	if (!error) {
		*ret_io = io;
		return 0;
	}
	if (io)
		io_free(io);
	if (fd >= 0)
		close(fd);
	if (options->why.text[0] == '\0')
		why_set(&options->why, error, "cannot start the I/O thread: %s", sm_error_text(error));
	return error;
}

void container_io_join(struct container_io *io)
{
	pthread_join(io->thread, NULL);
	io_free(io);
}
