/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smd with roles that only behave, well or badly, so that the supervisor is tested without them. The manager's service name
 * says how: "stubborn" ignores SIGTERM, "mute" never is ready (http), "odd" sends a message that nobody knows, "crash" ends at
 * once, "fatal" ends with a reason (balancer all three); any other name behaves. http answers every connection with its process id.
 */
#include "common/link.h"
#include "common/log.h"
#include "common/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ignore_stop(void *arg)
{
	(void)arg;
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	char text[128];
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)what;
	(void)arg;
	if (client < 0)
		return;
	(void)!recv(client, text, sizeof(text), 0);
	snprintf(text, sizeof(text), "HTTP/1.0 200 OK\r\n\r\n%d", (int)getpid());
	(void)!send(client, text, strlen(text), MSG_NOSIGNAL);
	close(client);
}

static void misbehave(struct role *role, const char *how)
{
	if (strcmp(how, "crash") == 0)
		exit(3);
	if (strcmp(how, "fatal") == 0)
		role_fatal(role, "the moon is in the way");
	if (strcmp(how, "odd") == 0) {
		json_t *message = json_pack("{s:s}", "type", "hello");

		link_write_blocking(ROLE_FD_PARENT, message);
		json_decref(message);
	}
}

static int run(const char *name)
{
	struct role role;
	struct event *connection = NULL;
	int status;

	role_init(&role, name);
	if (strcmp(role.config->service, "stubborn") == 0)
		role.stop = ignore_stop;
	if (strcmp(name, "balancer") == 0)
		misbehave(&role, role.config->service);
	if (strcmp(name, "http") == 0) {
		connection = event_new(role.base, ROLE_FD_LISTEN, EV_READ | EV_PERSIST, on_connection, NULL);
		event_add(connection, NULL);
	}
	if (strcmp(name, "http") != 0 || strcmp(role.config->service, "mute") != 0)
		role_ready(&role);
	status = role_run(&role);
	if (connection != NULL)
		event_free(connection);
	role_done(&role);
	return status;
}

int sync_main(void)
{
	return run("sync");
}

int balancer_main(void)
{
	return run("balancer");
}

int http_main(void)
{
	return run("http");
}
