/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The addresses of etcd's members.
 */
#include "etcd_endpoints.h"

#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool is_port(const char *text)
{
	size_t length = strlen(text);
	long port;

	if (length == 0 || length > 5 || text[strspn(text, "0123456789")])
		return false;
	port = strtol(text, NULL, 10);
	return port >= 1 && port <= 65535;
}

#define HOST_BYTES 253u /* DNS has no longer names */

/* host:port or [v6]:port */
static bool is_address(const char *text)
{
	size_t host;

	if (*text == '[') {
		host = strspn(text + 1, "0123456789abcdefABCDEF:.");
		return host > 0 && host <= HOST_BYTES && text[host + 1] == ']' && text[host + 2] == ':' &&
		       is_port(text + host + 3);
	}
	host = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_");
	return host > 0 && host <= HOST_BYTES && text[host] == ':' && is_port(text + host + 1);
}

static const char *behind(const char *text, const char *start)
{
	size_t bytes = strlen(start);

	return strncmp(text, start, bytes) == 0 ? text + bytes : NULL;
}

static int parse_socket(const char *text, const char *path, struct etcd_endpoint *endpoint, struct why *why)
{
	if (*path != '/')
		return why_set(why, SM_EINVAL, "etcd endpoint '%s': give the socket's absolute path, unix:///…", text);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return why_set(why, SM_EINVAL, "etcd endpoint '%s': a socket's path can have %zu bytes at most", text,
		        sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	endpoint->socket_path = strdup(path);
	endpoint->url = strdup("http://localhost");
	return endpoint->socket_path && endpoint->url ? 0 : why_set(why, SM_ENOMEM, "out of memory");
}

static int parse(const char *text, bool secure, struct etcd_endpoint *endpoint, struct why *why)
{
	const char *http = behind(text, "http://"), *https = behind(text, "https://"), *path = behind(text, "unix://");
	const char *address = http ? http : https ? https : text;
	char *slash;
	int length;

	endpoint->name = strdup(text);
	if (!endpoint->name)
		return why_set(why, SM_ENOMEM, "out of memory");
	if (path)
		return parse_socket(text, path, endpoint, why);
	secure = https || (secure && !http);
	length = asprintf(&endpoint->url, "%s://%s", secure ? "https" : "http", address);
	if (length < 0) {
		endpoint->url = NULL;
		return why_set(why, SM_ENOMEM, "out of memory");
	}
	slash = endpoint->url + length - 1;
	if (*slash == '/')
		*slash = '\0';
	if (!is_address(endpoint->url + (secure ? strlen("https://") : strlen("http://"))))
		return why_set(why, SM_EINVAL,
		        "etcd endpoint '%s' is none of host:port, http://host:port, https://host:port, unix:///path",
		        text);
	return 0;
}

int etcd_endpoints_init(
        struct etcd_endpoints *endpoints, const char *const *texts, size_t count, bool secure, struct why *why)
{
	int error = 0;

	*endpoints = (struct etcd_endpoints){ 0 };
	if (count == 0)
		return why_set(why, SM_EINVAL, "no etcd endpoint: give at least one, such as 127.0.0.1:2379");
	endpoints->list = calloc(count, sizeof(*endpoints->list));
	if (!endpoints->list)
		return why_set(why, SM_ENOMEM, "out of memory");
	for (endpoints->count = 0; !error && endpoints->count < count; endpoints->count++)
		error = parse(texts[endpoints->count], secure, &endpoints->list[endpoints->count], why);
	if (error)
		etcd_endpoints_done(endpoints);
	return error;
}

void etcd_endpoints_done(struct etcd_endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->count; i++) {
		free(endpoints->list[i].name);
		free(endpoints->list[i].url);
		free(endpoints->list[i].socket_path);
	}
	free(endpoints->list);
	*endpoints = (struct etcd_endpoints){ 0 };
}

void etcd_endpoints_failed(struct etcd_endpoints *endpoints, size_t endpoint)
{
	if (endpoints->current == endpoint)
		endpoints->current = (endpoint + 1) % endpoints->count;
}
