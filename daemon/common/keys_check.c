/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What may be part of a key.
 */
#include "keys.h"

#include "shardmgr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_allowed(enum keys_part part, unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	if (c == '[' || c == ']')
		return part == KEYS_PART_CONTAINER;
	return c == '.' || c == '_' || c == ':' || c == '-';
}

/* The first byte that may not be in this part; bytes when there is none. */
static size_t first_bad(enum keys_part part, const char *text, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && is_allowed(part, (unsigned char)text[i]))
		i++;
	return i;
}

static bool is_dots(const char *text, size_t bytes)
{
	return (bytes == 1 && text[0] == '.') || (bytes == 2 && text[0] == '.' && text[1] == '.');
}

static int say_bad_byte(enum keys_part part, const char *what, const char *text, size_t at, struct why *why)
{
	unsigned char c = (unsigned char)text[at];
	char shown[8];

	snprintf(shown, sizeof(shown), c > ' ' && c < 0x7f ? "'%c'" : "0x%02x", c);
	return why_set(why, SM_EINVAL, "%s: %s at byte %zu is not allowed; use letters, digits and . _ : -%s", what,
	        shown, at + 1, part == KEYS_PART_CONTAINER ? " [ ]" : "");
}

int keys_check(enum keys_part part, const char *what, const char *text, struct why *why)
{
	size_t bytes, at;

	if (text == NULL || text[0] == '\0')
		return why_set(why, SM_EINVAL, "%s is missing; give it 1 to %d characters", what, KEYS_ID_BYTES);
	bytes = strlen(text);
	at = first_bad(part, text, bytes);
	if (at < bytes)
		return say_bad_byte(part, what, text, at, why);
	if (bytes > KEYS_ID_BYTES)
		return why_set(
		        why, SM_EINVAL, "%s is %zu bytes long; at most %d are allowed", what, bytes, KEYS_ID_BYTES);
	if (is_dots(text, bytes))
		return why_set(why, SM_EINVAL, "%s must not be \"%s\"; choose another name", what, text);
	return 0;
}

/* Decimal without sign and leading zeros; -1 when it is not a port. */
static int parse_port(const char *text)
{
	size_t bytes = strlen(text);

	if (bytes == 0 || bytes > 5 || strspn(text, "0123456789") != bytes || (text[0] == '0' && bytes > 1))
		return -1;
	return atoi(text) <= 65535 ? atoi(text) : -1;
}

static bool is_host(const char *host, size_t bytes)
{
	char v6[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (bytes >= 2 && host[0] == '[' && host[bytes - 1] == ']') {
		if (bytes - 2 >= sizeof(v6))
			return false;
		memcpy(v6, host + 1, bytes - 2);
		v6[bytes - 2] = '\0';
		return inet_pton(AF_INET6, v6, &address) == 1;
	}
	if (bytes == 0 || host[0] == '.' || host[0] == '-')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (host[i] == ':' || host[i] == '[' || host[i] == ']')
			return false;
	return true;
}

int keys_check_address(const char *what, const char *text, bool allow_port_zero, struct why *why)
{
	int error = keys_check(KEYS_PART_CONTAINER, what, text, why);
	const char *colon;
	int port;

	if (error != 0)
		return error;
	colon = strrchr(text, ':');
	if (colon == NULL || !is_host(text, (size_t)(colon - text)))
		return why_set(why, SM_EINVAL, "%s: \"%s\" is not host:port or [v6 address]:port", what, text);
	port = parse_port(colon + 1);
	if (port < 0 || (port == 0 && !allow_port_zero))
		return why_set(why, SM_EINVAL, "%s: \"%s\" needs a port from %d to 65535 behind the last colon", what,
		        text, allow_port_zero ? 0 : 1);
	return 0;
}

int keys_check_prefix(const char *text, struct why *why)
{
	const char *start, *end;

	if (text == NULL || text[0] == '\0')
		return why_set(why, SM_EINVAL, "etcdPrefix is missing; \"/sm\" is usual");
	if (strlen(text) > KEYS_ID_BYTES)
		return why_set(why, SM_EINVAL, "etcdPrefix is %zu bytes long; at most %d are allowed", strlen(text),
		        KEYS_ID_BYTES);
	if (text[0] != '/')
		return why_set(why, SM_EINVAL, "etcdPrefix must begin with '/', as in \"/sm\"");
	for (start = text + 1;; start = end + 1) {
		size_t bytes = strcspn(start, "/"), at = first_bad(KEYS_PART_ID, start, bytes);

		end = start + bytes;
		if (at < bytes)
			return say_bad_byte(KEYS_PART_ID, "etcdPrefix", text, (size_t)(start - text) + at, why);
		if (bytes == 0)
			return why_set(why, SM_EINVAL, "etcdPrefix must not %s, as in \"/sm\"",
			        *end == '/' ? "have two '/' side by side" : "end in '/'");
		if (is_dots(start, bytes))
			return why_set(why, SM_EINVAL, "etcdPrefix must not contain \".\" or \"..\"");
		if (*end == '\0')
			return 0;
	}
}
