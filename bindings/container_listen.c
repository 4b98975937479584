/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Resolve, bind, listen.
 */
#include "container_listen.h"

#include "common/keys.h"
#include "shardmgr.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128

struct parts {
	char host[KEYS_ID_BYTES + 1];
	const char *port;
};

static void split(const char *address, struct parts *ret_parts)
{
	const char *colon = strrchr(address, ':');
	size_t skip = address[0] == '[', bytes = (size_t)(colon - address) - 2 * skip;

	snprintf(ret_parts->host, sizeof ret_parts->host, "%.*s", (int)bytes, address + skip);
	ret_parts->port = colon + 1;
}

static int listen_on(const struct addrinfo *info)
{
	int one = 1, fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t bytes = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) != 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
	                                           : ((struct sockaddr_in *)&address)->sin_port);
}

int container_listen(const char *address, int *ret_fd, unsigned *ret_port, struct why *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list;
	struct parts parts;
	int fd = -1;

	split(address, &parts);
	int error = getaddrinfo(parts.host, parts.port, &hints, &list);
	if (error)
		return why_set(why, SM_EINVAL, "cannot resolve %s: %s", address, gai_strerror(error));
	for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
		fd = listen_on(info);
	error = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return why_set(why, SM_ESYSTEM,
		        "cannot listen on %s: %s; choose another id, or set the option \"listen\"", address,
		        strerror(error));
	*ret_fd = fd;
	*ret_port = port_of(fd);
	return 0;
}

int container_listen_id(const char *id, unsigned port, char *ret_id, struct why *why)
{
	const char *colon = strrchr(id, ':');
	char joined[KEYS_ID_BYTES + 16];

	snprintf(joined, sizeof joined, "%s", id);
	if (strcmp(colon + 1, "0") == 0)
		snprintf(joined, sizeof joined, "%.*s:%u", (int)(colon - id), id, port);
	int error = keys_check_address("id", joined, false, why);
	if (!error)
		memcpy(ret_id, joined, strlen(joined) + 1); /* checked: it fits */
	return error;
}
