/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "http_command.h"

#include "common/command.h"
#include "common/link.h"
#include "common/log.h"
#include "shardmgr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_LEAST_MS 20
#define RETRY_MOST_MS 500

struct http_command_call {
	TAILQ_ENTRY(http_command_call) entry;
	struct http_command *command;
	json_int_t id;
	json_t *message;
	bool sent;
	http_command_fn *done;
	void *arg;
};
TAILQ_HEAD(call_list, http_command_call);

struct http_command {
	struct event_base *base;
	struct sockaddr_un address;
	struct link *link; /* NULL: not connected */
	struct event *retry;
	unsigned retry_ms;
	json_int_t last_id;
	struct call_list calls; /* in order of id */
};

static void free_call(struct http_command_call *call)
{
	TAILQ_REMOVE(&call->command->calls, call, entry);
	json_decref(call->message);
	free(call);
}

static void end_call(struct http_command_call *call, int error, const char *text, const json_t *results)
{
	http_command_fn *done = call->done;
	void *arg = call->arg;

	free_call(call);
	done(arg, error, text, results);
}

static void send_call(struct http_command_call *call)
{
	/* Refused when the link is about to end: then it goes out on the next one. */
	call->sent = link_send(call->command->link, call->message) == 0;
}

static void retry_later(struct http_command *command)
{
	struct timeval tv = { (time_t)(command->retry_ms / 1000), (suseconds_t)(command->retry_ms % 1000 * 1000) };

	command->retry_ms = command->retry_ms * 2 < RETRY_MOST_MS ? command->retry_ms * 2 : RETRY_MOST_MS;
	evtimer_add(command->retry, &tv);
}

static void on_message(void *arg, struct link *link, json_t *message)
{
	struct http_command *command = arg;
	struct http_command_call *call;
	json_int_t id, code;
	const char *text = "";
	json_t *results = NULL;

	(void)link;
	if (json_unpack(message, "{s:I, s:I, s?s, s?o}", "id", &id, "code", &code, "error", &text, "results",
	            &results) != 0)
		fatalx("command link: sync sent a reply without id and code");
	TAILQ_FOREACH(call, &command->calls, entry)
		if (call->id == id)
			break;
	if (call != NULL) /* else cancelled */
		end_call(call, (int)code, text, json_is_array(results) ? results : NULL);
}

static void on_closed(void *arg, struct link *link, const char *why)
{
	struct http_command *command = arg;
	struct http_command_call *call, *next;

	log_warning("command link: %s", why);
	link_free(link);
	command->link = NULL;
	retry_later(command);
	for (call = TAILQ_FIRST(&command->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entry);
		if (call->sent)
			end_call(call, SM_EUNKNOWN, "sync ended before it answered", NULL);
	}
}

static const struct link_handler link_events = { on_message, on_closed };

static void connect_now(struct http_command *command)
{
	struct http_command_call *call;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&command->address, sizeof(command->address)) != 0) {
		log_debug("command link: %s: %s", command->address.sun_path, strerror(errno));
		if (fd >= 0)
			close(fd);
		retry_later(command);
		return;
	}
	if (link_new(command->base, fd, &link_events, command, &command->link) != 0)
		fatalx("command link: out of memory");
	command->retry_ms = RETRY_LEAST_MS;
	TAILQ_FOREACH(call, &command->calls, entry)
		send_call(call);
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	connect_now(arg);
}

int http_command_new(
        struct event_base *base, const char *runtime_dir, struct http_command **ret_command, struct why *why)
{
	struct http_command *command = calloc(1, sizeof(*command));
	int length;

	if (command == NULL)
		return SM_ENOMEM;
	command->base = base;
	command->retry_ms = RETRY_LEAST_MS;
	command->address.sun_family = AF_UNIX;
	TAILQ_INIT(&command->calls);
	length = snprintf(
	        command->address.sun_path, sizeof(command->address.sun_path), "%s/%s", runtime_dir, COMMAND_SOCKET);
	command->retry = evtimer_new(base, on_retry, command);
	if (command->retry == NULL || length >= (int)sizeof(command->address.sun_path)) {
		http_command_free(command);
		return why_set(why, SM_EINVAL,
		        "runtimeDir \"%s\" is too long for a socket's address: at most %zu bytes", runtime_dir,
		        sizeof(command->address.sun_path) - sizeof(COMMAND_SOCKET) - 1);
	}
	connect_now(command);
	*ret_command = command;
	return 0;
}

void http_command_free(struct http_command *command)
{
	if (command == NULL)
		return;
	while (!TAILQ_EMPTY(&command->calls))
		free_call(TAILQ_FIRST(&command->calls));
	if (command->link != NULL)
		link_free(command->link);
	if (command->retry != NULL)
		event_free(command->retry);
	free(command);
}

bool http_command_connected(const struct http_command *command)
{
	return command->link != NULL;
}

struct http_command_call *http_command_send(
        struct http_command *command, const char *op, json_t *arguments, http_command_fn *done, void *arg)
{
	struct http_command_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->message = json_pack("{s:I, s:s, s:O}", "id", command->last_id + 1, "op", op, "args", arguments);
	if (call->message == NULL) {
		free(call);
		return NULL;
	}
	call->command = command;
	call->id = ++command->last_id;
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&command->calls, call, entry);
	if (command->link != NULL)
		send_call(call);
	return call;
}

bool http_command_cancel(struct http_command_call *call)
{
	bool sent = call->sent;

	free_call(call);
	return sent;
}
