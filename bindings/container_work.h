/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Carries out what the claim machines want: one step at a time, on the I/O thread. Between them and etcd (container_commit), the held
 * table, the application (container_mailbox) and whoever gave the order.
 */
#ifndef CONTAINER_WORK_H
#define CONTAINER_WORK_H

#include "container_held.h"
#include "container_identity.h"
#include "container_mailbox.h"
#include "container_session.h"

struct container_work;

struct container_work_handler {
	/* As of container_commit. */
	void (*answered)(
	        void *arg, const struct container_session_mark *mark, const struct etcd_header *header, bool proves);
	void (*fenced)(void *arg, const char *reason);
	/* An order has ended: code as in orders.h. Exactly once per order. */
	void (*ended)(void *arg, void *order, int code, const char *text, uint64_t token);
	/* Nothing is claimed, wished or under way any more. */
	void (*emptied)(void *arg);
};

struct container_work_parts { /* all borrowed */
	struct event_base *base;
	struct etcd *etcd;
	const struct container_identity *identity;
	struct container_session *session;
	struct container_held *held;
	struct container_mailbox *mailbox;
};

/* SM_ENOMEM. */
int container_work_new(const struct container_work_parts *parts, const struct container_work_handler *handler,
        void *arg, struct container_work **ret_work);
void container_work_free(struct container_work *work);

/* The newest order for a shard counts. task: of an add; NULL: a drop. order: for handler->ended. id was checked. */
void container_work_order(struct container_work *work, const char *id, uint32_t replica, const char *task, void *order);

/* A ticket that came back from the mailbox; frees its error. */
void container_work_acked(struct container_work *work, struct container_mailbox_ticket *ticket);

/* The session has ended; session->incarnation is 0 already. reason is copied. */
void container_work_lost(struct container_work *work, const char *reason);

void container_work_stop(struct container_work *work);  /* drop everything */
void container_work_close(struct container_work *work); /* the application has stopped: release everything */

size_t container_work_count(const struct container_work *work);

#endif
