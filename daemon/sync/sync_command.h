/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The serving end of the command link (common/command.h): takes requests, starts operations, and replies when the view shows
 * what they changed.
 */
#ifndef SYNC_COMMAND_H
#define SYNC_COMMAND_H

#include "sync_context.h"

struct sync_command;

/* Whether requests may be started now; if not, what to tell people. */
typedef bool sync_command_ready_fn(void *arg, const char **ret_why);

/* NULL: out of memory. */
struct sync_command *sync_command_new(struct sync_context *context, sync_command_ready_fn *ready, void *arg);
/* What is under way must have ended (sync_command_busy). */
void sync_command_free(struct sync_command *command);

/* Accepts on the listening descriptor from now on; connections wait there until then. Again: nothing. */
void sync_command_listen(struct sync_command *command, int fd);
void sync_command_stop_listening(struct sync_command *command);
/* The view shows everything up to revision. */
void sync_command_published(struct sync_command *command, int64_t revision);
/* Requests under way. */
size_t sync_command_busy(const struct sync_command *command);

#endif
