/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Open, swap, close.
 */
#include "supervisor_resources.h"

#include "common/command.h"
#include "shardmgr.h"
#include "supervisor_sockets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int open_bells(struct supervisor_resources *resources, struct why *why)
{
	resources->bell_balancer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	resources->bell_http_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resources->bell_balancer_fd < 0 || resources->bell_http_fd < 0)
		return why_set(why, SM_ESYSTEM, "eventfd: %s", strerror(errno));
	return 0;
}

int supervisor_resources_open(
        struct supervisor_resources *resources, struct config *config, char *text, struct why *why)
{
	struct supervisor_resources opened = { .config = NULL,
		.lock_fd = -1,
		.command_fd = -1,
		.http_fd = -1,
		.bell_balancer_fd = -1,
		.bell_http_fd = -1 };
	int error = supervisor_sockets_lock(config->runtime_dir, &opened.lock_fd, why);

	if (error == 0)
		error = supervisor_sockets_http(
		        config->listen, config->port, &opened.http_fd, opened.url, sizeof(opened.url), why);
	if (error == 0)
		error = supervisor_sockets_command(config->runtime_dir, &opened.command_fd, why);
	if (error == 0)
		error = open_bells(&opened, why);
	if (error != 0) {
		supervisor_resources_close(&opened);
		return error;
	}
	opened.config = config;
	opened.text = text;
	*resources = opened;
	return 0;
}

int supervisor_resources_reload(
        struct supervisor_resources *resources, struct config *config, char *text, struct why *why)
{
	const struct config *old = resources->config;
	int fd;

	if (strcmp(config->runtime_dir, old->runtime_dir) != 0)
		return why_set(why, SM_EINVAL,
		        "runtimeDir cannot change from %s to %s while smd runs; stop it and start it again",
		        old->runtime_dir, config->runtime_dir);
	if (strcmp(config->listen, old->listen) != 0 || config->port != old->port) {
		int error = supervisor_sockets_http(
		        config->listen, config->port, &fd, resources->url, sizeof(resources->url), why);

		if (error != 0)
			return error;
		close(resources->http_fd);
		resources->http_fd = fd;
	}
	config_free(resources->config);
	free(resources->text);
	resources->config = config;
	resources->text = text;
	return 0;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void supervisor_resources_close(struct supervisor_resources *resources)
{
	char path[PATH_MAX];

	if (resources->command_fd >= 0 && resources->config != NULL) {
		snprintf(path, sizeof(path), "%s/" COMMAND_SOCKET, resources->config->runtime_dir);
		unlink(path);
	}
	close_if_open(resources->http_fd);
	close_if_open(resources->command_fd);
	close_if_open(resources->bell_balancer_fd);
	close_if_open(resources->bell_http_fd);
	close_if_open(resources->lock_fd); /* last: whoever gets the lock may make everything anew */
	config_free(resources->config);
	free(resources->text);
}
