/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the tests of the view share: a directory of their own, and short forms of the calls.
 */
#ifndef VIEW_HELP_H
#define VIEW_HELP_H

#include "view_reader.h"
#include "view_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct view_fixture {
	char dir[64];
	struct view_writer *writer;
};

/* cmocka set-up and tear-down: *state is a struct view_fixture with an empty directory and no writer. */
int view_help_setup(void **state);
int view_help_teardown(void **state);

/* Opens the writer on the fixture's directory; whether it can be resumed. */
bool view_help_open(struct view_fixture *fixture);
void view_help_close(struct view_fixture *fixture);
/* Opens and resets when it cannot be resumed. */
void view_help_start(struct view_fixture *fixture, uint64_t expected_shards);

void view_help_shard(
        struct view_writer *writer, const char *service, const char *shard, const char *task, int64_t revision);
void view_help_claim(
        struct view_writer *writer, const char *service, const char *shard, const char *container, int64_t revision);
void view_help_container(struct view_writer *writer, const char *service, const char *container, int64_t revision);
bool view_help_lookup(const struct view *view, const char *service, const char *shard, struct view_owner *ret_owner);
/* Bytes of a file of the directory, to damage it. */
char *view_help_read(const struct view_fixture *fixture, const char *name, size_t *ret_bytes);
void view_help_write(const struct view_fixture *fixture, const char *name, const char *bytes, size_t count);

#endif
