/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The answer stream of a container (common/orders.h): bytes in, one call per ended order out. Pure.
 */
#ifndef BALANCER_LINES_H
#define BALANCER_LINES_H

#include "executor.h"

#define BALANCER_LINES_BYTES (64u * 1024u) /* longest line */

struct balancer_line {
	enum executor_op op;
	const char *id;
	uint32_t replica;
	int code;
	const char *error; /* "" none */
};
/* line: valid until it returns. False: this line was not asked for. */
typedef bool balancer_lines_fn(void *arg, const struct balancer_line *line);

struct balancer_lines {
	char *rest; /* of a line whose end has not come yet */
	size_t bytes, room;
};

void balancer_lines_done(struct balancer_lines *lines);
/* SM_EPROTO: a line that is too long, is none of ours, or was not asked for; the lines before it were handed out. */
int balancer_lines_feed(
        struct balancer_lines *lines, const char *data, size_t bytes, balancer_lines_fn *line, void *arg);
/* At the end of the stream: SM_EPROTO when it ended inside a line. */
int balancer_lines_end(const struct balancer_lines *lines);

#endif
