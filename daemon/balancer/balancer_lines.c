/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Newline-delimited JSON.
 */
#include "balancer_lines.h"

#include "balancer_memory.h"
#include "shardmgr.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void balancer_lines_done(struct balancer_lines *lines)
{
	free(lines->rest);
	*lines = (struct balancer_lines){ 0 };
}

static int hand_out(const char *text, size_t bytes, balancer_lines_fn *line, void *arg)
{
	struct balancer_line parsed = { .error = "" };
	json_t *object = json_loadb(text, bytes, 0, NULL);
	const char *op = NULL;
	json_int_t replica = 0, code = 0;
	int rc = SM_EPROTO;

	if (!object || json_unpack(object, "{s:s, s:s, s?I, s:I, s?s}", "op", &op, "id", &parsed.id, "replica",
	                       &replica, "code", &code, "error", &parsed.error) < 0)
		goto out;
	parsed.op = strcmp(op, "add") == 0 ? EXECUTOR_ADD : strcmp(op, "drop") == 0 ? EXECUTOR_DROP : 0;
	if (!parsed.op || replica < 0 || replica >= UINT32_MAX || code > 0 || code < INT32_MIN)
		goto out;
	parsed.replica = (uint32_t)replica;
	parsed.code = (int)code;
	rc = line(arg, &parsed) ? 0 : SM_EPROTO;
out:
	json_decref(object);
	return rc;
}

static void keep(struct balancer_lines *lines, const char *data, size_t bytes)
{
	if (lines->bytes + bytes > lines->room) {
		lines->room = (lines->bytes + bytes) * 2;
		lines->rest = balancer_memory_resized(lines->rest, lines->room, 1);
	}
	memcpy(lines->rest + lines->bytes, data, bytes);
	lines->bytes += bytes;
}

int balancer_lines_feed(
        struct balancer_lines *lines, const char *data, size_t bytes, balancer_lines_fn *line, void *arg)
{
	while (bytes) {
		const char *end = memchr(data, '\n', bytes);
		size_t length = end ? (size_t)(end - data) : bytes;
		int rc;

		if (lines->bytes + length > BALANCER_LINES_BYTES)
			return SM_EPROTO;
		if (!end || lines->bytes)
			keep(lines, data, length);
		if (!end)
			return 0;
		rc = lines->bytes ? hand_out(lines->rest, lines->bytes, line, arg) : hand_out(data, length, line, arg);
		lines->bytes = 0;
		if (rc < 0)
			return rc;
		data += length + 1;
		bytes -= length + 1;
	}
	return 0;
}

int balancer_lines_end(const struct balancer_lines *lines)
{
	return lines->bytes ? SM_EPROTO : 0;
}
