/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container is a node of the table; its sessions are a short list, oldest create_revision first.
 */
#include "sync_sessions.h"

#include "sync_hash.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

struct session {
	struct session *next;
	int64_t incarnation, lease;
	bool ours;
	char heartbeat[];
};

struct container {
	struct sync_hash_node node;
	struct session *oldest;
	char *id; /* behind service, in names */
	char service[];
};

struct sync_sessions {
	struct sync_hash containers;
};

static uint64_t hash_of(const char *service, const char *id)
{
	return sync_hash_text(sync_hash_text(SYNC_HASH_START, service), id);
}

static struct container *find(const struct sync_sessions *sessions, const char *service, const char *id)
{
	struct sync_hash_node *node = sync_hash_first(&sessions->containers, hash_of(service, id));

	for (; node != NULL; node = sync_hash_next(node)) {
		struct container *container = SYNC_HASH_OF(node, struct container, node);

		if (strcmp(container->id, id) == 0 && strcmp(container->service, service) == 0)
			return container;
	}
	return NULL;
}

static struct container *find_or_add(struct sync_sessions *sessions, const char *service, const char *id)
{
	struct container *container = find(sessions, service, id);
	size_t service_bytes = strlen(service) + 1, id_bytes = strlen(id) + 1;

	if (container != NULL)
		return container;
	container = calloc(1, sizeof(*container) + service_bytes + id_bytes);
	if (container == NULL)
		return NULL;
	container->id = container->service + service_bytes;
	memcpy(container->service, service, service_bytes);
	memcpy(container->id, id, id_bytes);
	if (sync_hash_add(&sessions->containers, &container->node, hash_of(service, id)) != 0) {
		free(container);
		return NULL;
	}
	return container;
}

static void free_container(struct container *container)
{
	for (struct session *session = container->oldest, *next; session != NULL; session = next) {
		next = session->next;
		free(session);
	}
	free(container);
}

/* Takes the session with this lease out of the list and frees it. */
static int64_t unlink_session(struct container *container, int64_t lease)
{
	for (struct session **at = &container->oldest; *at != NULL; at = &(*at)->next)
		if ((*at)->lease == lease) {
			struct session *session = *at;
			int64_t incarnation = session->incarnation;

			*at = session->next;
			free(session);
			return incarnation;
		}
	return 0;
}

struct sync_sessions *sync_sessions_new(void)
{
	return calloc(1, sizeof(struct sync_sessions));
}

void sync_sessions_clear(struct sync_sessions *sessions)
{
	struct sync_hash_node *node;
	size_t cursor = 0;

	while ((node = sync_hash_pop(&sessions->containers, &cursor)) != NULL)
		free_container(SYNC_HASH_OF(node, struct container, node));
}

void sync_sessions_free(struct sync_sessions *sessions)
{
	if (sessions == NULL)
		return;
	sync_sessions_clear(sessions);
	sync_hash_done(&sessions->containers);
	free(sessions);
}

int sync_sessions_put(
        struct sync_sessions *sessions, const char *service, const char *container, const struct view_session *session)
{
	const char *heartbeat = session->heartbeat == NULL ? "" : session->heartbeat;
	size_t bytes = strlen(heartbeat) + 1;
	struct session *copy = malloc(sizeof(*copy) + bytes), **at;
	struct container *owner = copy == NULL ? NULL : find_or_add(sessions, service, container);

	if (owner == NULL) {
		free(copy);
		return SM_ENOMEM;
	}
	copy->incarnation = session->incarnation;
	copy->lease = session->lease;
	copy->ours = session->ours;
	memcpy(copy->heartbeat, heartbeat, bytes);
	unlink_session(owner, session->lease);
	for (at = &owner->oldest; *at != NULL && (*at)->incarnation <= copy->incarnation; at = &(*at)->next)
		;
	copy->next = *at;
	*at = copy;
	return 0;
}

int64_t sync_sessions_remove(struct sync_sessions *sessions, const char *service, const char *container, int64_t lease)
{
	struct container *owner = find(sessions, service, container);
	int64_t incarnation = owner == NULL ? 0 : unlink_session(owner, lease);

	if (owner != NULL && owner->oldest == NULL) {
		sync_hash_remove(&sessions->containers, &owner->node);
		free_container(owner);
	}
	return incarnation;
}

bool sync_sessions_holder(const struct sync_sessions *sessions, const char *service, const char *container,
        struct view_session *ret_session)
{
	const struct container *owner = find(sessions, service, container);

	if (owner == NULL)
		return false;
	*ret_session = (struct view_session){ .incarnation = owner->oldest->incarnation,
		.lease = owner->oldest->lease,
		.ours = owner->oldest->ours,
		.heartbeat = owner->oldest->heartbeat };
	return true;
}

bool sync_sessions_present(
        const struct sync_sessions *sessions, const char *service, const char *container, int64_t incarnation)
{
	const struct container *owner = find(sessions, service, container);

	if (owner == NULL)
		return false;
	for (const struct session *session = owner->oldest; session != NULL; session = session->next)
		if (session->incarnation == incarnation)
			return true;
	return false;
}
