/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One message of a watch stream, taken apart. Pure.
 */
#ifndef ETCD_WATCH_MESSAGE_H
#define ETCD_WATCH_MESSAGE_H

#include "etcd.h"
#include "etcd_arena.h"
#include "etcd_error.h"

enum etcd_watch_message_kind {
	ETCD_WATCH_CREATED,
	ETCD_WATCH_EVENTS,
	ETCD_WATCH_PROGRESS, /* no events: a sign of life */
	ETCD_WATCH_CANCELED,
	ETCD_WATCH_ERROR /* the stream has failed */
};

struct etcd_watch_message {
	enum etcd_watch_message_kind kind;
	struct etcd_header header;   /* all zero when there was none, as in a cancellation */
	int64_t compact_revision;    /* of a cancellation; 0 = for another reason */
	struct etcd_verdict verdict; /* of a cancellation for another reason, or an error */
	struct etcd_event *events;   /* in the arena; mod_revision never falls */
	size_t count;
};

/* text: one JSON object. SM_EPROTO when it makes no sense. why: also of a cancellation or an error. */
int etcd_watch_message_parse(const char *text, size_t bytes, struct etcd_arena *arena,
        struct etcd_watch_message *ret_message, struct why *why);

#endif
