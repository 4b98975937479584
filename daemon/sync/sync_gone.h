/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reads which claims of a service name an incarnation that has no session key any more.
 */
#ifndef SYNC_GONE_H
#define SYNC_GONE_H

#include "sync_free.h"
#include "sync_sessions.h"

typedef void sync_gone_fn(void *arg, const struct sync_free_claim *claim);

/* O(shards of the service). Texts of the claim live as long as the view's; found must not move the view to another segment. */
void sync_gone_each(const struct view *view, const struct sync_sessions *sessions, const char *service,
        sync_gone_fn *found, void *arg);

#endif
