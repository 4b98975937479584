/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Sessions that ended, until the claims of their service have been read for their names. A reading costs as much as the service has
 * shards, so many ends share one, and readings take only a share of the time.
 */
#ifndef SYNC_ENDED_H
#define SYNC_ENDED_H

#include <event2/event.h>
#include <stdint.h>

struct sync_ended;

struct sync_ended_calls {
	void (*read)(void *arg, const char *service);    /* find the claims that are gone */
	void (*settled)(void *arg, int64_t incarnation); /* it has been looked for */
	void (*late)(void *arg);                         /* a reading that had to wait is done */
};

struct sync_ended *sync_ended_new(
        struct event_base *base, const struct sync_ended_calls *calls, void *arg); /* NULL: out of memory */
void sync_ended_free(struct sync_ended *ended);

int sync_ended_add(struct sync_ended *ended, const char *service, int64_t incarnation); /* SM_ENOMEM */
/* Reads what is due now; the rest follows by itself. */
void sync_ended_run(struct sync_ended *ended);
void sync_ended_clear(struct sync_ended *ended);

#endif
