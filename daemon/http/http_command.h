/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The asking side of the command link (common/command.h): sends requests for changes to sync and matches the replies. Connects again whenever the
 * link breaks; what was sent and not answered by then ends with SM_EUNKNOWN, what was not sent yet waits for the next connection.
 */
#ifndef HTTP_COMMAND_H
#define HTTP_COMMAND_H

#include "common/why.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

struct http_command;
struct http_command_call;

/* error: the reply's code, or SM_EUNKNOWN; text: the reply's error, "" on success; results: the reply's, borrowed, NULL = none. */
typedef void http_command_fn(void *arg, int error, const char *text, const json_t *results);

/* Starts connecting to <runtime_dir>/COMMAND_SOCKET. SM_EINVAL: the path is too long; SM_ENOMEM. */
int http_command_new(
        struct event_base *base, const char *runtime_dir, struct http_command **ret_command, struct why *why);
void http_command_free(struct http_command *command); /* calls nobody back */
bool http_command_connected(const struct http_command *command);

/* done is called once, later, unless the call is cancelled. arguments: borrowed. NULL: out of memory. */
struct http_command_call *http_command_send(
        struct http_command *command, const char *op, json_t *arguments, http_command_fn *done, void *arg);
/* Forgets the call; true when it had been sent: its outcome is unknown then. */
bool http_command_cancel(struct http_command_call *call);

#endif
