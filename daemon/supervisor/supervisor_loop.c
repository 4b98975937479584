/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The one place where the table meets the world.
 */
#include "supervisor_loop.h"

#include "common/clocks.h"
#include "common/log.h"
#include "shardmgr.h"
#include "supervisor_notify.h"
#include "supervisor_process.h"
#include "supervisor_table.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS 4

static const char *const role_names[SUPERVISOR_CHILDREN] = {
	[SUPERVISOR_ETCD] = "etcd",
	[SUPERVISOR_SYNC] = "sync",
	[SUPERVISOR_BALANCER] = "balancer",
	[SUPERVISOR_HTTP] = "http",
};

struct loop;

struct child {
	struct supervisor_process process;
	struct loop *loop;
	enum supervisor_child id;
	struct event *timer;
};

struct loop {
	const struct supervisor_loop_options *options;
	struct event_base *base;
	struct event *signals[SIGNALS], *watchdog;
	struct supervisor_table table;
	struct child children[SUPERVISOR_CHILDREN];
	bool was_ready, etcd_was_ready, reloading, adopted;
	int exit_status;
};

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

/* ---- what the world is told ---- */

static void tell_status(struct loop *loop)
{
	char text[1024] = "STATUS=";
	size_t used = strlen(text);

	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		const struct child *child = &loop->children[c];

		if (!loop->table.children[c].present)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s%s%.150s",
		        used > strlen("STATUS=") ? ", " : "", role_names[c],
		        supervisor_table_state_text(loop->table.children[c].state),
		        child->process.fatal[0] != '\0' ? ": " : "", child->process.fatal);
	}
	supervisor_notify_send(text);
}

static void tell_ready(struct loop *loop)
{
	if (!supervisor_table_is_up(&loop->table))
		return;
	if (!loop->was_ready || loop->reloading) {
		supervisor_notify_send("READY=1");
		log_info("ready: %s", loop->options->resources->url);
	}
	if (!loop->was_ready && loop->options->ready != NULL)
		loop->options->ready(loop->options->arg);
	loop->was_ready = true;
	loop->reloading = false;
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	const struct loop *loop = arg;

	(void)fd;
	(void)what;
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++)
		if (loop->table.children[c].present && (loop->table.children[c].state != SUPERVISOR_UP ||
		                                               !supervisor_process_beats(&loop->children[c].process)))
			return;
	supervisor_notify_send("WATCHDOG=1");
}

/* ---- actions ---- */

static json_t *config_message(const struct child *child)
{
	const struct supervisor_loop_options *options = child->loop->options;
	json_t *name;

	if (child->id == SUPERVISOR_ETCD)
		return json_pack(
		        "{s:s, s:s, s:s}", "type", "config", "dir", options->dev_dir, "persist", options->dev_persist);
	name = json_string(options->config_path);
	return json_pack("{s:s, s:o, s:s}", "type", "config", "name",
	        name != NULL ? name : json_string("configuration"), "text", options->resources->text);
}

/* False: report ENDED. The keeper was started before the loop: its first time is an adoption. */
static bool spawn(struct child *child)
{
	const struct supervisor_loop_options *options = child->loop->options;
	const struct supervisor_resources *r = options->resources;
	const struct supervisor_spawn spawns[SUPERVISOR_CHILDREN] = {
		[SUPERVISOR_ETCD] = { role_names[SUPERVISOR_ETCD], -1, -1, -1, true },
		[SUPERVISOR_SYNC] = { role_names[SUPERVISOR_SYNC], r->command_fd, r->bell_balancer_fd, r->bell_http_fd,
		        false },
		[SUPERVISOR_BALANCER] = { role_names[SUPERVISOR_BALANCER], -1, r->bell_balancer_fd, -1, false },
		[SUPERVISOR_HTTP] = { role_names[SUPERVISOR_HTTP], r->http_fd, -1, r->bell_http_fd, false },
	};
	json_t *config;
	struct why why;
	int error;

	if (child->id == SUPERVISOR_ETCD && !child->loop->adopted) {
		child->loop->adopted = true;
		supervisor_process_adopt(&child->process, options->keeper, options->keeper_link_fd);
		return true;
	}
	config = config_message(child);
	error = supervisor_process_start(&child->process, &spawns[child->id], config, &why);
	if (error != 0)
		log_error("cannot start %s: %s", role_names[child->id], why.text);
	json_decref(config);
	return error == 0;
}

static void set_timer(struct child *child, uint64_t delay_ms)
{
	const struct timeval delay = { .tv_sec = (time_t)(delay_ms / 1000),
		.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000) };

	event_add(child->timer, &delay);
}

static bool is_over(const struct loop *loop)
{
	return loop->table.stopping && supervisor_table_is_down(&loop->table);
}

static bool carry_out_one(struct child *child, const struct supervisor_action *action)
{
	switch (action->kind) {
	case SUPERVISOR_SPAWN:
		return spawn(child);
	case SUPERVISOR_TERM:
		supervisor_process_signal(&child->process, SIGTERM);
		return true;
	case SUPERVISOR_KILL:
		supervisor_process_signal(&child->process, SIGKILL);
		return true;
	default:
		set_timer(child, action->delay_ms);
		return true;
	}
}

/* WHY: a spawn that fails is an event again; it is reported behind the actions at hand, never in the middle of them */
static void carry_out(struct loop *loop, const struct supervisor_actions *actions)
{
	bool failed[SUPERVISOR_CHILDREN] = { false };

	for (size_t i = 0; i < actions->count; i++)
		if (!carry_out_one(&loop->children[actions->list[i].child], &actions->list[i]))
			failed[actions->list[i].child] = true;
	tell_status(loop);
	tell_ready(loop);
	if (is_over(loop))
		event_base_loopbreak(loop->base);
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		struct supervisor_actions more = { .count = 0 };

		if (!failed[c])
			continue;
		supervisor_table_child(&loop->table, c, SUPERVISOR_ENDED, now_ms(), &more);
		carry_out(loop, &more);
	}
}

/* ---- events ---- */

static void report(struct child *child, enum supervisor_event event)
{
	struct supervisor_actions actions = { .count = 0 };

	supervisor_table_child(&child->loop->table, child->id, event, now_ms(), &actions);
	carry_out(child->loop, &actions);
}

static void stop(struct loop *loop)
{
	struct supervisor_actions actions = { .count = 0 };

	supervisor_notify_send("STOPPING=1");
	supervisor_table_stop(&loop->table, now_ms(), &actions);
	carry_out(loop, &actions);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report(arg, SUPERVISOR_TIMER);
}

static void on_stop_signal(evutil_socket_t signal_number, short what, void *arg)
{
	(void)what;
	log_info("stopping: %s", strsignal((int)signal_number));
	stop(arg);
}

static void on_ready(void *arg, struct supervisor_process *process)
{
	struct child *child = arg;

	(void)process;
	child->loop->etcd_was_ready = child->loop->etcd_was_ready || child->id == SUPERVISOR_ETCD;
	report(child, SUPERVISOR_READY);
}

static void on_child_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct loop *loop = arg;

	(void)signal_number;
	(void)what;
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		bool wanted = loop->table.children[c].state >= SUPERVISOR_RECYCLING;

		if (!supervisor_process_reap(&loop->children[c].process, wanted))
			continue;
		report(&loop->children[c], SUPERVISOR_ENDED);
		if (c == SUPERVISOR_ETCD && !loop->etcd_was_ready && !loop->table.stopping) {
			loop->exit_status = 1;
			stop(loop);
		}
	}
}

static void on_reload_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct loop *loop = arg;
	const struct supervisor_loop_options *options = loop->options;
	struct supervisor_actions actions = { .count = 0 };
	struct config *config = NULL;
	char *text = NULL, state[64];
	struct why why;

	(void)signal_number;
	(void)what;
	if (options->dev_dir != NULL || loop->table.stopping) {
		log_info("hang-up: there is no configuration to read again");
		return;
	}
	if (config_read(options->config_path, &config, &text, &why) != 0 ||
	        supervisor_resources_reload(options->resources, config, text, &why) != 0) {
		log_error("the configuration stays as it was: %s", why.text);
		config_free(config);
		free(text);
		return;
	}
	log_info("new configuration: restarting the children");
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_ms() * 1000);
	supervisor_notify_send(state);
	loop->reloading = true;
	supervisor_table_reload(&loop->table, now_ms(), &actions);
	carry_out(loop, &actions);
}

/* ---- the loop ---- */

static void init(struct loop *loop)
{
	static const struct {
		int number;
		event_callback_fn call;
	} signals[SIGNALS] = { { SIGTERM, on_stop_signal }, { SIGINT, on_stop_signal }, { SIGHUP, on_reload_signal },
		{ SIGCHLD, on_child_signal } };
	uint64_t watchdog_ms = supervisor_notify_watchdog_ms();
	const struct timeval period = { .tv_sec = (time_t)(watchdog_ms / 1000),
		.tv_usec = (suseconds_t)(watchdog_ms % 1000 * 1000) };

	loop->base = event_base_new();
	if (loop->base == NULL)
		fatalx("out of memory");
	for (int i = 0; i < SIGNALS; i++) {
		loop->signals[i] = evsignal_new(loop->base, signals[i].number, signals[i].call, loop);
		if (loop->signals[i] == NULL || evsignal_add(loop->signals[i], NULL) < 0)
			fatalx("out of memory");
	}
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		struct child *child = &loop->children[c];

		*child = (struct child){ .loop = loop, .id = (enum supervisor_child)c };
		child->process = (struct supervisor_process){
			.role = role_names[c], .base = loop->base, .ready = on_ready, .arg = child
		};
		child->timer = evtimer_new(loop->base, on_timer, child);
		if (child->timer == NULL)
			fatalx("out of memory");
	}
	loop->watchdog = event_new(loop->base, -1, EV_PERSIST, on_watchdog, loop);
	if (loop->watchdog == NULL || (watchdog_ms > 0 && event_add(loop->watchdog, &period) < 0))
		fatalx("out of memory");
	supervisor_table_init(&loop->table, loop->options->dev_dir != NULL);
}

static void done(struct loop *loop)
{
	for (int i = 0; i < SIGNALS; i++)
		event_free(loop->signals[i]);
	for (int c = 0; c < SUPERVISOR_CHILDREN; c++) {
		event_free(loop->children[c].timer);
		supervisor_process_done(&loop->children[c].process);
	}
	event_free(loop->watchdog);
	event_base_free(loop->base);
}

int supervisor_loop_run(const struct supervisor_loop_options *options)
{
	struct loop loop = { .options = options };
	struct supervisor_actions actions = { .count = 0 };

	signal(SIGPIPE, SIG_IGN);
	init(&loop);
	supervisor_table_start(&loop.table, now_ms(), &actions);
	carry_out(&loop, &actions);
	on_child_signal(SIGCHLD, 0, &loop); /* the keeper may have ended before the handler was there */
	if (!is_over(&loop) && event_base_dispatch(loop.base) < 0)
		fatalx("the event loop failed");
	done(&loop);
	return loop.exit_status;
}
