/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * request: started -> done in etcd -> waiting for the view -> replied
 */
#include "sync_command.h"

#include "../common/link.h"
#include "../common/log.h"
#include "sync_ops.h"

#include <errno.h>
#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEEN_MS 10000u /* longest wait for the view to show a change */
#define PAUSE_MS 200u  /* before accepting again when there is no descriptor left */

static const struct {
	const char *name;
	sync_start_fn *start;
} operations[] = {
	{ "add-spec", sync_ops_spec_add },
	{ "update-spec", sync_ops_update_spec },
	{ "del-spec", sync_ops_spec_delete },
	{ "add-shards", sync_ops_shards_add },
	{ "del-shards", sync_ops_shards_delete },
	{ "update-shard", sync_ops_update_shard },
	{ "add-worker", sync_ops_workers_add },
	{ "del-worker", sync_ops_workers_delete },
};

struct connection {
	struct connection *next, **at;
	struct sync_command *command;
	struct link *link;
};

struct request {
	struct request *next, **at;
	struct connection *connection; /* NULL: it has ended, nobody is told */
	struct sync_command *command;
	json_int_t id;
	json_t *results;
	int64_t revision;    /* that the view must show */
	struct event *timer; /* NULL until done in etcd */
};

struct sync_command {
	struct sync_context *context;
	sync_command_ready_fn *ready;
	void *arg;
	struct event *listener, *pause;
	struct connection *connections;
	struct request *requests;
	size_t request_count;
	int64_t published;
};

/* ---- replying ---- */

static void free_request(struct request *request)
{
	*request->at = request->next;
	if (request->next != NULL)
		request->next->at = request->at;
	request->command->request_count--;
	if (request->timer != NULL)
		event_free(request->timer);
	json_decref(request->results);
	free(request);
}

static void reply(struct request *request, int code, const char *why)
{
	json_t *message;

	if (request->connection != NULL) {
		message = json_pack("{s:I, s:i, s:s}", "id", request->id, "code", code, "error", why);
		if (message == NULL)
			message = json_pack("{s:I, s:i, s:s}", "id", request->id, "code", code, "error", "");
		if (message != NULL && request->results != NULL)
			json_object_set(message, "results", request->results);
		/* A link that refuses it is about to report its end. */
		if (message != NULL)
			(void)link_send(request->connection->link, message);
		json_decref(message);
	}
	free_request(request);
}

static void on_not_seen(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reply(arg, SM_ETIMEDOUT, "etcd has the change, but the view does not show it yet; look again later");
}

static void on_done(void *arg, int code, const char *why, json_t *results, int64_t revision)
{
	struct request *request = arg;
	struct timeval wait = { .tv_sec = SEEN_MS / 1000 };

	request->results = results;
	request->revision = revision;
	if (code != 0 || revision <= request->command->published) {
		reply(request, code, why);
		return;
	}
	request->timer = evtimer_new(request->command->context->base, on_not_seen, request);
	if (request->timer == NULL)
		fatalx("out of memory for a command");
	evtimer_add(request->timer, &wait);
}

void sync_command_published(struct sync_command *command, int64_t revision)
{
	command->published = revision;
	for (struct request *request = command->requests, *next; request != NULL; request = next) {
		next = request->next;
		if (request->timer != NULL && request->revision <= revision)
			reply(request, 0, "");
	}
}

/* ---- requests ---- */

static struct request *new_request(struct connection *connection, json_int_t id)
{
	struct sync_command *command = connection->command;
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		fatalx("out of memory for a command");
	request->command = command;
	request->connection = connection;
	request->id = id;
	request->next = command->requests;
	request->at = &command->requests;
	if (request->next != NULL)
		request->next->at = &request->next;
	command->requests = request;
	command->request_count++;
	return request;
}

static sync_start_fn *find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			return operations[i].start;
	return NULL;
}

static void start(struct request *request, const char *name, const json_t *args)
{
	struct sync_command *command = request->command;
	sync_start_fn *operation = find_operation(name);
	const char *not_ready = "";
	struct why why = { "" };
	int error = SM_ENOTSUP;

	if (operation == NULL) {
		why_set(&why, error, "there is no command \"%s\"", name);
	} else if (!command->ready(command->arg, &not_ready)) {
		error = why_set(&why, SM_EUNAVAILABLE, "%s; nothing was changed, try again", not_ready);
	} else {
		error = operation(command->context, args, on_done, request, &why);
	}
	if (error != 0)
		reply(request, error, why.text);
}

static void free_connection(struct connection *connection)
{
	for (struct request *request = connection->command->requests; request != NULL; request = request->next)
		if (request->connection == connection)
			request->connection = NULL;
	*connection->at = connection->next;
	if (connection->next != NULL)
		connection->next->at = connection->at;
	link_free(connection->link);
	free(connection);
}

static void on_message(void *arg, struct link *link, json_t *message)
{
	struct connection *connection = arg;
	json_int_t id;
	const char *name;
	json_t *args;

	(void)link;
	if (json_unpack(message, "{s:I, s:s, s:o}", "id", &id, "op", &name, "args", &args) != 0 ||
	        !json_is_object(args)) {
		log_error("command link: a message without id, op and args; closing the connection");
		free_connection(connection);
		return;
	}
	start(new_request(connection, id), name, args);
}

static void on_closed(void *arg, struct link *link, const char *why)
{
	(void)link;
	log_debug("command link: %s", why);
	free_connection(arg);
}

/* ---- listening ---- */

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct sync_command *command = arg;

	(void)fd;
	(void)what;
	if (command->listener != NULL)
		event_add(command->listener, NULL);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	static const struct link_handler handler = { on_message, on_closed };
	static const struct timeval pause = { .tv_usec = PAUSE_MS * 1000 };
	struct sync_command *command = arg;
	struct connection *connection;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (accepted < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
		log_warning("command link: cannot accept: %s", strerror(errno));
		event_del(command->listener);
		evtimer_add(command->pause, &pause);
	}
	if (accepted < 0)
		return;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL ||
	        link_new(command->context->base, accepted, &handler, connection, &connection->link) != 0)
		fatalx("out of memory for a command connection");
	connection->command = command;
	connection->next = command->connections;
	connection->at = &command->connections;
	if (connection->next != NULL)
		connection->next->at = &connection->next;
	command->connections = connection;
}

void sync_command_listen(struct sync_command *command, int fd)
{
	if (command->listener != NULL)
		return;
	evutil_make_socket_nonblocking(fd);
	command->listener = event_new(command->context->base, fd, EV_READ | EV_PERSIST, on_accept, command);
	if (command->listener == NULL || event_add(command->listener, NULL) != 0)
		fatalx("cannot listen on the command socket");
}

void sync_command_stop_listening(struct sync_command *command)
{
	if (command->listener != NULL)
		event_free(command->listener);
	command->listener = NULL;
}

size_t sync_command_busy(const struct sync_command *command)
{
	return command->request_count;
}

struct sync_command *sync_command_new(struct sync_context *context, sync_command_ready_fn *ready, void *arg)
{
	struct sync_command *command = calloc(1, sizeof(*command));

	if (command == NULL)
		return NULL;
	command->context = context;
	command->ready = ready;
	command->arg = arg;
	command->pause = evtimer_new(context->base, on_pause, command);
	if (command->pause == NULL) {
		free(command);
		return NULL;
	}
	return command;
}

void sync_command_free(struct sync_command *command)
{
	if (command == NULL)
		return;
	sync_command_stop_listening(command);
	while (command->connections != NULL)
		free_connection(command->connections);
	event_free(command->pause);
	free(command);
}
