/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Permanent keys that must be there and are not, on the first start on a prefix or after somebody else's manager: the manager's
 * own spec, and for every governed service its place for watches and its shard of the manager's service.
 */
#ifndef SYNC_ENSURE_H
#define SYNC_ENSURE_H

#include "sync_context.h"

struct sync_ensure;

struct sync_ensure *sync_ensure_new(struct sync_context *context); /* NULL: out of memory */
void sync_ensure_free(struct sync_ensure *ensure);

/* From the hooks: P/app/S/containerhb/ exists. */
void sync_ensure_place(struct sync_ensure *ensure, const char *service);
/* A spec has changed, or is gone: the manager's own is put back. */
void sync_ensure_spec(struct sync_ensure *ensure, const char *service);
void sync_ensure_loading(struct sync_ensure *ensure);
/* fresh: every place was heard of, so that the missing ones are known. */
void sync_ensure_loaded(struct sync_ensure *ensure, bool fresh);
/* Does the view show the manager's own spec, the fence of add-spec and del-spec? */
bool sync_ensure_complete(const struct sync_ensure *ensure);

#endif
