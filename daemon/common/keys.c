/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Keys as one table of patterns, walked forward to join a key and along it to take it apart.
 */
#include "keys.h"

#include "shardmgr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What stands in a pattern for a part; everything else is literal. '*' is any rest, which cannot be joined. */
enum {
	MANAGER = 'M',
	SERVICE = 'S',
	SHARD = 'I',
	GROUP = 'G',
	CONTAINER = 'C',
	LEASE = 'L',
	REPLICA = 'R',
	REST = '*'
};
#define PART '%'

static const struct pattern {
	enum keys_kind kind;
	const char *text; /* behind "P/" */
} patterns[] = {
	{ KEYS_STORE, "store" },
	{ KEYS_SERVICE_SPEC, "app/%M/service/%S/spec" },
	{ KEYS_SHARD_SPEC, "app/%M/service/%S/shard/%I" },
	{ KEYS_WORKER, "app/%M/service/%S/workerpool/%G/%C" },
	{ KEYS_HEARTBEATS, "app/%S/containerhb/" },
	{ KEYS_SESSION, "app/%S/containerhb/%C/%L" },
	{ KEYS_CLAIM, "app/%S/shardhb/%I" }, /* of replica 0; the next one of the others */
	{ KEYS_CLAIM, "app/%S/shardhb/%I/%R" },
	{ KEYS_SMGO_SHARD, "app/%S/s/%C/%I" },
	{ KEYS_SMGO_LEASE, "app/%S/lease/%*" },
	{ KEYS_LEADER, "app/%M/leader/%L" },
	{ KEYS_DELETED, "app/%M/ctl/deleted/%S" }, /* before KEYS_CTL, which covers it */
	{ KEYS_CTL, "app/%S/ctl/%*" },
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static const char *const prefixes[] = {
	[KEYS_PREFIX_ALL] = "",
	[KEYS_PREFIX_SERVICE_SHARDS] = "app/%M/service/%S/shard/",
	[KEYS_PREFIX_SERVICE_CONFIG] = "app/%M/service/%S/",
	[KEYS_PREFIX_SERVICE_STATE] = "app/%S/",
	[KEYS_PREFIX_SESSIONS] = "app/%S/containerhb/",
	[KEYS_PREFIX_CONTAINER_SESSIONS] = "app/%S/containerhb/%C/",
	[KEYS_PREFIX_CLAIMS] = "app/%S/shardhb/",
	[KEYS_PREFIX_MANAGED] = "app/%S/service/",
	[KEYS_PREFIX_DELETED] = "app/%M/ctl/deleted/",
};

int keys_init(struct keys *keys, const char *prefix, const char *manager, struct why *why)
{
	int error = keys_check_prefix(prefix, why);

	if (error == 0)
		error = keys_check(KEYS_PART_ID, "service", manager, why);
	if (error != 0)
		return error;
	snprintf(keys->prefix, sizeof(keys->prefix), "%s", prefix);
	snprintf(keys->manager, sizeof(keys->manager), "%s", manager);
	return 0;
}

/* ---- join ---- */

/* Appends the part that `which` stands for; how many bytes, or negative. */
static int join_part(const struct keys *keys, const struct keys_parts *parts, int which, char *out, struct why *why)
{
	int error = 0;
	const char *text;

	switch (which) {
	case MANAGER:
		text = keys->manager;
		break;
	case SERVICE:
		text = parts->service;
		error = keys_check(KEYS_PART_ID, "service", text, why);
		break;
	case SHARD:
		text = parts->shard;
		error = keys_check(KEYS_PART_ID, "shardId", text, why);
		break;
	case GROUP:
		text = parts->group;
		error = keys_check(KEYS_PART_ID, "workerGroup", text, why);
		break;
	case CONTAINER:
		text = parts->container;
		error = keys_check(KEYS_PART_CONTAINER, "container", text, why);
		break;
	case LEASE:
		if (parts->lease <= 0)
			return why_set(why, SM_EINVAL, "lease must be positive");
		return sprintf(out, "%" PRIx64, parts->lease);
	case REPLICA:
		if (parts->replica > KEYS_REPLICA_MAX)
			return why_set(why, SM_EINVAL, "replica is %" PRIu32 "; at most %u is allowed", parts->replica,
			        KEYS_REPLICA_MAX);
		return sprintf(out, "%" PRIu32, parts->replica);
	default:
		return why_set(why, SM_EINVAL, "keys of kind %d are only read", (int)parts->kind);
	}
	return error != 0 ? error : sprintf(out, "%s", text);
}

/* Every part is at most KEYS_ID_BYTES and no pattern has more than four of them: KEYS_BYTES always suffices. */
static int join(
        const struct keys *keys, const char *pattern, const struct keys_parts *parts, char *ret_key, struct why *why)
{
	char key[KEYS_BYTES];
	size_t used = (size_t)snprintf(key, sizeof(key), "%s/", keys->prefix);
	int n;

	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p != PART) {
			key[used++] = *p;
			continue;
		}
		n = join_part(keys, parts, *++p, key + used, why);
		if (n < 0)
			return n;
		used += (size_t)n;
	}
	key[used] = '\0';
	memcpy(ret_key, key, used + 1);
	return 0;
}

int keys_join(const struct keys *keys, const struct keys_parts *parts, char *ret_key, struct why *why)
{
	for (size_t i = 0; i < PATTERNS; i++) {
		if (patterns[i].kind != parts->kind)
			continue;
		if (parts->kind == KEYS_CLAIM && parts->replica > 0)
			i++;
		return join(keys, patterns[i].text, parts, ret_key, why);
	}
	return why_set(why, SM_EINVAL, "there is no key of kind %d", (int)parts->kind);
}

int keys_join_prefix(const struct keys *keys, enum keys_prefix kind, const char *service, const char *container,
        char *ret_key, struct why *why)
{
	struct keys_parts parts = { 0 };

	if ((unsigned)kind >= sizeof(prefixes) / sizeof(prefixes[0]))
		return why_set(why, SM_EINVAL, "there is no prefix of kind %d", (int)kind);
	/* A text that is cut here was too long for keys_check, too. */
	if (service != NULL && keys_check(KEYS_PART_ID, "service", service, why) == 0)
		snprintf(parts.service, sizeof(parts.service), "%s", service);
	else if (service != NULL)
		return SM_EINVAL;
	if (container != NULL && keys_check(KEYS_PART_CONTAINER, "container", container, why) == 0)
		snprintf(parts.container, sizeof(parts.container), "%s", container);
	else if (container != NULL)
		return SM_EINVAL;
	return join(keys, prefixes[kind], &parts, ret_key, why);
}

/* ---- split ---- */

static bool split_text(enum keys_part part, const char *text, size_t bytes, char *ret_text)
{
	if (bytes > KEYS_ID_BYTES || memchr(text, '\0', bytes) != NULL)
		return false;
	memcpy(ret_text, text, bytes);
	ret_text[bytes] = '\0';
	return keys_check(part, "", ret_text, NULL) == 0;
}

/* As %x prints it: lower case, no leading zero, positive. */
static bool split_lease(const char *text, size_t bytes, int64_t *ret_lease)
{
	uint64_t lease = 0;

	if (bytes == 0 || bytes > 16 || text[0] == '0')
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int c = text[i], digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		lease = lease << 4 | (uint64_t)digit;
	}
	*ret_lease = (int64_t)lease;
	return *ret_lease > 0;
}

static bool split_replica(const char *text, size_t bytes, uint32_t *ret_replica)
{
	uint64_t replica = 0;

	if (bytes == 0 || bytes > 10 || text[0] == '0')
		return false;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		replica = replica * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_replica = (uint32_t)replica;
	return replica <= KEYS_REPLICA_MAX;
}

static bool split_part(const struct keys *keys, int which, const char *text, size_t bytes, struct keys_parts *parts)
{
	switch (which) {
	case MANAGER:
		return bytes == strlen(keys->manager) && memcmp(text, keys->manager, bytes) == 0;
	case SERVICE:
		return split_text(KEYS_PART_ID, text, bytes, parts->service);
	case SHARD:
		return split_text(KEYS_PART_ID, text, bytes, parts->shard);
	case GROUP:
		return split_text(KEYS_PART_ID, text, bytes, parts->group);
	case CONTAINER:
		return split_text(KEYS_PART_CONTAINER, text, bytes, parts->container);
	case LEASE:
		return split_lease(text, bytes, &parts->lease);
	case REPLICA:
		return split_replica(text, bytes, &parts->replica);
	default:
		return false;
	}
}

/* Is key (behind "P/") of this pattern? */
static bool split(const struct keys *keys, const char *pattern, const char *key, size_t bytes, struct keys_parts *parts)
{
	size_t at = 0;

	for (const char *p = pattern; *p != '\0'; p++) {
		size_t end = at;

		if (*p != PART) {
			if (at == bytes || key[at++] != *p)
				return false;
			continue;
		}
		if (*++p == REST)
			return true;
		while (end < bytes && key[end] != '/')
			end++;
		if (!split_part(keys, *p, key + at, end - at, parts))
			return false;
		at = end;
	}
	return at == bytes;
}

void keys_split(const struct keys *keys, const char *key, size_t key_bytes, struct keys_parts *ret_parts)
{
	size_t prefix_bytes = strlen(keys->prefix);

	*ret_parts = (struct keys_parts){ 0 };
	if (key_bytes <= prefix_bytes || memcmp(key, keys->prefix, prefix_bytes) != 0 || key[prefix_bytes] != '/')
		return;
	key += prefix_bytes + 1;
	key_bytes -= prefix_bytes + 1;
	for (size_t i = 0; i < PATTERNS; i++) {
		struct keys_parts parts = { .kind = patterns[i].kind };

		if (split(keys, patterns[i].text, key, key_bytes, &parts)) {
			*ret_parts = parts;
			return;
		}
	}
}
