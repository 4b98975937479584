/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The frame of every child: its link to the supervisor, its signals, its loop.
 */
#include "role.h"

#include "link.h"
#include "log.h"
#include "shardmgr.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CONFIG_TIMEOUT_MS 10000

struct role_private {
	struct link *parent;
	struct event *beat, *terminated;
	bool stopping;
};

static void send_plain(struct role *role, const char *type)
{
	json_t *message = json_pack("{s:s}", "type", type);

	if (message == NULL || link_send(role->private->parent, message) == SM_ENOMEM)
		fatalx("out of memory");
	json_decref(message);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_plain(arg, "beat");
}

static void on_terminated(evutil_socket_t signal_number, short what, void *arg)
{
	struct role *role = arg;

	(void)signal_number;
	(void)what;
	if (role->private->stopping)
		return;
	role->private->stopping = true;
	if (role->stop != NULL)
		role->stop(role->arg);
	else
		event_base_loopbreak(role->base);
}

static void on_parent_message(void *arg, struct link *link, json_t *message)
{
	(void)arg;
	(void)link;
	fatalx("the supervisor sent a second message: %s", json_string_value(json_object_get(message, "type")));
}

/* WHY: no log and no clean-up: whoever lost the supervisor may be about to be replaced by a child of the next one */
static void on_parent_closed(void *arg, struct link *link, const char *why)
{
	(void)arg;
	(void)link;
	(void)why;
	_exit(1);
}

static struct config *receive_config(void)
{
	struct config *config = NULL;
	json_t *message = NULL;
	const char *type, *name, *text;
	size_t bytes;
	struct why why;
	int error = link_read_blocking(ROLE_FD_PARENT, CONFIG_TIMEOUT_MS, &message);

	if (error != 0)
		fatalx("no configuration on descriptor %d (error %d); only smd itself starts a role", ROLE_FD_PARENT,
		        error);
	if (json_unpack(message, "{s:s, s:s, s:s%}", "type", &type, "name", &name, "text", &text, &bytes) < 0 ||
	        strcmp(type, "config") != 0)
		fatalx("the supervisor's first message is not a configuration");
	if (config_parse(name, text, bytes, &config, &why) != 0)
		fatalx("the supervisor sent a bad configuration: %s", why.text);
	json_decref(message);
	return config;
}

static enum log_level level_of(const struct config *config)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_parse_level(config->log_level, &level);
	return level;
}

void role_init(struct role *role, const char *name)
{
	static const struct link_handler handler = { .message = on_parent_message, .closed = on_parent_closed };
	struct role_private *private = calloc(1, sizeof(*private));
	char process_name[16];

	log_init(name, LOG_LEVEL_INFO);
	snprintf(process_name, sizeof(process_name), "smd-%s", name);
	prctl(PR_SET_NAME, process_name);
	signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C and a hang-up reach the whole process group; what they mean is the supervisor's affair. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	*role = (struct role){ .name = name, .private = private };
	role->config = receive_config();
	log_init(name, level_of(role->config));
	role->base = event_base_new();
	if (private == NULL || role->base == NULL ||
	        link_new(role->base, ROLE_FD_PARENT, &handler, role, &private->parent) != 0)
		fatalx("out of memory");
	private->terminated = evsignal_new(role->base, SIGTERM, on_terminated, role);
	private->beat = event_new(role->base, -1, EV_PERSIST, on_beat, role);
	if (private->terminated == NULL || private->beat == NULL || evsignal_add(private->terminated, NULL) < 0)
		fatalx("out of memory");
}

void role_ready(struct role *role)
{
	const struct timeval second = { .tv_sec = 1 };

	send_plain(role, "ready");
	if (event_add(role->private->beat, &second) < 0)
		fatalx("out of memory");
}

int role_run(struct role *role)
{
	if (event_base_dispatch(role->base) < 0)
		fatalx("the event loop failed");
	return role->private->stopping ? 0 : 1;
}

void role_done(struct role *role)
{
	event_free(role->private->beat);
	event_free(role->private->terminated);
	link_free(role->private->parent);
	event_base_free(role->base);
	config_free(role->config);
	free(role->private);
	*role = (struct role){ 0 };
}

void role_fatal(struct role *role, const char *format, ...)
{
	char text[1024];
	json_t *message;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	message = json_pack("{s:s, s:s}", "type", "fatal", "text", text);
	if (message != NULL && link_queued_bytes(role->private->parent) == 0)
		link_write_blocking(ROLE_FD_PARENT, message);
	fatalx("%s", text);
}
