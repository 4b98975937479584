/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "sync_ended.h"

#include "../common/clocks.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

#define SHARE 10u /* readings take at most one part in this many of the time */

struct session {
	struct session *next;
	int64_t incarnation;
	char service[];
};

struct sync_ended {
	const struct sync_ended_calls *calls;
	void *arg;
	struct event *timer;
	struct session *sessions;
	uint64_t next_boot_ns; /* of the next reading, at the earliest */
};

/* Reads the first one's service, which settles all sessions of that service. */
static void read_first(struct sync_ended *ended)
{
	struct session *first = ended->sessions;

	ended->calls->read(ended->arg, first->service);
	for (struct session **at = &first->next; *at != NULL;) {
		struct session *session = *at;

		if (strcmp(session->service, first->service) != 0) {
			at = &session->next;
			continue;
		}
		*at = session->next;
		ended->calls->settled(ended->arg, session->incarnation);
		free(session);
	}
	ended->sessions = first->next;
	ended->calls->settled(ended->arg, first->incarnation);
	free(first);
}

void sync_ended_run(struct sync_ended *ended)
{
	uint64_t start = clocks_now().boot_ns, end;

	if (ended->sessions == NULL)
		return;
	if (start < ended->next_boot_ns) {
		uint64_t us = (ended->next_boot_ns - start) / 1000 + 1;
		struct timeval wait = { .tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000) };

		evtimer_add(ended->timer, &wait);
		return;
	}
	while (ended->sessions != NULL)
		read_first(ended);
	end = clocks_now().boot_ns;
	ended->next_boot_ns = end + (end - start) * (SHARE - 1);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sync_ended *ended = arg;

	(void)fd;
	(void)what;
	sync_ended_run(ended);
	ended->calls->late(ended->arg);
}

int sync_ended_add(struct sync_ended *ended, const char *service, int64_t incarnation)
{
	size_t bytes = strlen(service) + 1;
	struct session *session = malloc(sizeof(*session) + bytes);

	if (session == NULL)
		return SM_ENOMEM;
	memcpy(session->service, service, bytes);
	session->incarnation = incarnation;
	session->next = ended->sessions;
	ended->sessions = session;
	return 0;
}

void sync_ended_clear(struct sync_ended *ended)
{
	for (struct session *session = ended->sessions, *next; session != NULL; session = next) {
		next = session->next;
		free(session);
	}
	ended->sessions = NULL;
	evtimer_del(ended->timer);
}

struct sync_ended *sync_ended_new(struct event_base *base, const struct sync_ended_calls *calls, void *arg)
{
	struct sync_ended *ended = calloc(1, sizeof(*ended));

	if (ended == NULL)
		return NULL;
	ended->calls = calls;
	ended->arg = arg;
	ended->timer = evtimer_new(base, on_timer, ended);
	if (ended->timer == NULL) {
		free(ended);
		return NULL;
	}
	return ended;
}

void sync_ended_free(struct sync_ended *ended)
{
	if (ended == NULL)
		return;
	sync_ended_clear(ended);
	event_free(ended->timer);
	free(ended);
}
