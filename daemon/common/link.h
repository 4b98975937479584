/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Messages between our own processes: JSON objects, each behind a 4-byte big-endian length, on a stream socket. Used between the supervisor
 * and its children (role.h) and between http, balancer and sync (command.h). An unexpected message is a programmer's error: the receiver
 * ends.
 */
#ifndef LINK_H
#define LINK_H

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>

#define LINK_BYTES (64u * 1024u * 1024u) /* longest message; longer, or not an object: closed with a reason */

struct link;
struct link_handler {
	void (*message)(void *arg, struct link *link, json_t *message); /* borrowed; may free the link */
	void (*closed)(void *arg, struct link *link,
	        const char *why); /* the other side ended or broke the protocol; free the link here or later */
};

/* Takes the connected descriptor over (makes it non-blocking, closes it in link_free). */
int link_new(struct event_base *base, int fd, const struct link_handler *handler, void *arg, struct link **ret_link);
void link_free(struct link *link);
/* Queues; the reference to message is borrowed. */
int link_send(struct link *link, json_t *message);
size_t link_queued_bytes(const struct link *link);

/* Without a loop, for start-up: one whole message. SM_ETIMEDOUT, SM_ECLOSED, SM_EPROTO. *ret_message: new reference. */
int link_read_blocking(int fd, int timeout_ms, json_t **ret_message);
int link_write_blocking(int fd, json_t *message);

#endif
