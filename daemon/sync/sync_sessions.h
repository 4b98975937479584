/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The session keys of every container, which the view does not hold one by one: a container id may have several for a moment (its
 * predecessor's, a rival's). The key with the oldest create_revision holds the id; a session lives while its key is here.
 */
#ifndef SYNC_SESSIONS_H
#define SYNC_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <view_writer.h>

struct sync_sessions;

struct sync_sessions *sync_sessions_new(void); /* NULL: out of memory */
void sync_sessions_free(struct sync_sessions *sessions);
void sync_sessions_clear(struct sync_sessions *sessions);

/* A key was put; session->lease tells it from the container's others. Texts are copied. SM_ENOMEM: nothing changed. */
int sync_sessions_put(
        struct sync_sessions *sessions, const char *service, const char *container, const struct view_session *session);
/* A key is gone. The incarnation that ended, 0 when the key was not known. */
int64_t sync_sessions_remove(struct sync_sessions *sessions, const char *service, const char *container, int64_t lease);

/* The session that holds the id; false: none at all. Its text is valid until the next change. */
bool sync_sessions_holder(const struct sync_sessions *sessions, const char *service, const char *container,
        struct view_session *ret_session);
/* Is there a key of this container with this create_revision? */
bool sync_sessions_present(
        const struct sync_sessions *sessions, const char *service, const char *container, int64_t incarnation);

#endif
