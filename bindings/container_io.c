/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Wires the parts together: session (container_presence), shards (container_work), orders (container_admin), application (mailbox).
 */
#include "container_io.h"

#include "container_admin.h"
#include "container_clients.h"
#include "container_presence.h"
#include "container_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum phase { REGISTERING, OPEN, ENDED, REVOKING, STOPPED, FAILED };

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
	struct container_clients clients;
	struct container_presence *presence;
	struct container_work *work;
	struct container_admin *admin;
	struct event *wake, *settle, *closing;
	enum phase phase;
	bool stop_seen, close_seen;
};

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

/* ---- the session ---- */

static void on_opened(void *arg)
{
	struct container_io *io = arg;

	io->phase = OPEN;
	container_mailbox_set_trouble(io->mailbox, "%s", "");
	set_state(io, SM_STATE_OPEN);
}

static void on_suspended(void *arg)
{
	struct container_io *io = arg;

	container_mailbox_set_trouble(io->mailbox,
	        "suspended: etcd has not confirmed the session for %u ms; nothing is held until it answers",
	        io->session.belief_ms);
	set_state(io, SM_STATE_SUSPENDED);
}

static void on_session_ended(void *arg, const char *reason)
{
	struct container_io *io = arg;

	io->phase = ENDED;
	container_mailbox_set_trouble(io->mailbox, "the session has ended: %s", reason);
	set_state(io, SM_STATE_OPENING);
	container_work_lost(io->work, reason);
	settle_soon(io);
}

static void on_failed(void *arg, int error, const char *text)
{
	struct container_io *io = arg;

	io->phase = FAILED;
	container_mailbox_set_trouble(io->mailbox, "%s", text);
	container_mailbox_set_state(io->mailbox, SM_STATE_FAILED, error);
}

static void on_trouble(void *arg, const char *text)
{
	struct container_io *io = arg;

	container_mailbox_set_trouble(io->mailbox, "%s", text);
}

static void on_left(void *arg)
{
	struct container_io *io = arg;

	io->phase = STOPPED;
	set_state(io, SM_STATE_STOPPED);
	if (io->close_seen)
		event_base_loopbreak(io->base);
}

static void begin_session(struct container_io *io)
{
	io->phase = REGISTERING;
	container_presence_begin(io->presence);
}

/* ---- stopping ---- */

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct container_io *io = arg;
	bool leaving = io->stop_seen || io->close_seen;

	(void)fd;
	(void)what;
	if (container_work_count(io->work) > 0)
		return;
	if (leaving && (io->phase == REGISTERING || io->phase == OPEN || io->phase == ENDED)) {
		io->phase = REVOKING;
		container_presence_leave(io->presence);
	} else if (io->close_seen && (io->phase == STOPPED || io->phase == FAILED)) {
		event_base_loopbreak(io->base);
	} else if (!leaving && io->phase == ENDED) {
		begin_session(io);
	}
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

/* ---- orders, and what becomes of them ---- */

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

static bool admin_open(void *arg, const char **ret_state)
{
	*ret_state = phase_text(arg);
	return strcmp(*ret_state, "open") == 0;
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

static void work_answered(
        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves)
{
	struct container_io *io = arg;

	container_presence_answered(io->presence, mark, header, proves);
}

static void work_fenced(void *arg, const char *reason)
{
	struct container_io *io = arg;

	container_presence_end(io->presence, reason);
}

static void work_emptied(void *arg)
{
	settle_soon(arg);
}

/* ---- life ---- */

static int make_events(struct container_io *io)
{
	io->wake = event_new(io->base, container_mailbox_wake_fd(io->mailbox), EV_READ | EV_PERSIST, on_wake, io);
	io->settle = event_new(io->base, -1, 0, on_settle, io);
	io->closing = evtimer_new(io->base, on_closing_over, io);
	if (!io->wake || !io->settle || !io->closing)
		return SM_ENOMEM;
	event_add(io->wake, NULL);
	return 0;
}

static int make_presence(struct container_io *io)
{
	static const struct container_presence_handler handler = {
		.opened = on_opened,
		.suspended = on_suspended,
		.resumed = on_opened,
		.ended = on_session_ended,
		.failed = on_failed,
		.trouble = on_trouble,
		.left = on_left,
	};
	struct container_presence_parts parts = {
		.base = io->base,
		.etcd = io->clients.work,
		.keepalives = io->clients.keepalives,
		.proofs = io->clients.proofs,
		.identity = &io->identity,
		.session = &io->session,
		.held = io->held,
		.ttl_s = io->ttl_s,
		.heartbeat = io->heartbeat,
	};

	return container_presence_new(&parts, &handler, io, &io->presence);
}

static int make_work(struct container_io *io)
{
	static const struct container_work_handler handler = {
		.answered = work_answered,
		.fenced = work_fenced,
		.ended = work_ended,
		.emptied = work_emptied,
	};
	struct container_work_parts parts = {
		.base = io->base,
		.etcd = io->clients.work,
		.identity = &io->identity,
		.session = &io->session,
		.held = io->held,
		.mailbox = io->mailbox,
	};

	return container_work_new(&parts, &handler, io, &io->work);
}

static int make_admin(struct container_io *io, int fd)
{
	static const struct container_admin_handler handler = {
		.open = admin_open,
		.order = admin_order,
		.health = admin_health,
	};

	return container_admin_new(io->base, fd, &io->target, &handler, io, &io->admin);
}

static void io_free(struct container_io *io)
{
	struct event *events[] = { io->wake, io->settle, io->closing };

	container_presence_free(io->presence);
	container_admin_free(io->admin);
	container_work_free(io->work);
	container_clients_close(&io->clients);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i])
			event_free(events[i]);
	}
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
		error = container_clients_open(io->base, options, &io->clients);
	if (!error)
		error = make_events(io);
	if (!error)
		error = make_presence(io);
	if (!error)
		error = make_work(io);
	if (!error) {
		error = make_admin(io, *fd);
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
