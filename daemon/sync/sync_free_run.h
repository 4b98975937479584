/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Frees claims of containers that are gone: feeds the kernel (sync_free.h) from the view's changes, keeps the sightings in the
 * segment, and sends what is due, each claim as a transaction that compares the record and that its incarnation is gone.
 */
#ifndef SYNC_FREE_RUN_H
#define SYNC_FREE_RUN_H

#include "sync_apply.h"

struct sync_free_run;

/* apply: its keys, writer, sessions and store value are read. NULL: out of memory. */
struct sync_free_run *sync_free_run_new(struct event_base *base, struct etcd *etcd, const struct sync_apply *apply);
void sync_free_run_free(struct sync_free_run *run);

/* From the hooks of sync_apply.h. */
void sync_free_run_session(
        struct sync_free_run *run, const char *service, const char *container, int64_t began, int64_t ended);
void sync_free_run_claim(struct sync_free_run *run, const char *service, const char *shard, uint32_t replica,
        const struct view_claim *claim);
void sync_free_run_spec(struct sync_free_run *run, const char *service, int64_t max_recovery_time_s);

/* A view is being filled: forget everything, hear nothing until it is loaded; then look at every claim. */
void sync_free_run_loading(struct sync_free_run *run);
void sync_free_run_loaded(struct sync_free_run *run);
/* A batch of changes is in the view. */
void sync_free_run_published(struct sync_free_run *run);
/* While etcd's revisions cannot be trusted. */
void sync_free_run_hold(struct sync_free_run *run, bool held);

#endif
