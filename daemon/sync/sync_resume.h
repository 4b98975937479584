/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a view that is resumed lacks: the session keys one by one. Lists those of every service that has containers, at the view's revision.
 */
#ifndef SYNC_RESUME_H
#define SYNC_RESUME_H

#include "sync_apply.h"

struct sync_resume;

/* error 0: apply's sessions are complete. SM_ECOMPACTED: that revision is gone. */
typedef void sync_resume_fn(void *arg, int error, const char *why);

/* NULL: out of memory. */
struct sync_resume *sync_resume_new(struct etcd *etcd, struct sync_apply *apply, sync_resume_fn *done, void *arg);
void sync_resume_free(struct sync_resume *resume);

/* Forgets the sessions known and lists them anew. Nobody writes the view until done, which may be called from inside. */
void sync_resume_start(struct sync_resume *resume, int64_t revision);
void sync_resume_cancel(struct sync_resume *resume);

#endif
