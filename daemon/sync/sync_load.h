/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Keeps the view in step with etcd: resumes the view that is there or lists everything into a fresh segment, then follows the watch; does it
 * again when the watch cannot go on. Also watches over the store itself: its incarnation, and that its revisions never go back.
 */
#ifndef SYNC_LOAD_H
#define SYNC_LOAD_H

#include "sync_apply.h"

struct sync_load;

struct sync_load_hooks {
	/* A fresh segment is being filled: what was known of rows and sessions is void until loaded. */
	void (*loading)(void *arg);
	/* The view is in step and is followed from here on. fresh: everything was listed; otherwise the view of before was good. */
	void (*loaded)(void *arg, bool fresh);
	/* The view shows everything up to revision; changed: rows differ. */
	void (*published)(void *arg, int64_t revision, bool changed);
	/* false: etcd's revisions went back; true: an operator has raised the store incarnation since. */
	void (*trusted)(void *arg, bool trusted);
};

/* resumable: what view_writer_open said. NULL: out of memory. */
struct sync_load *sync_load_new(struct event_base *base, struct etcd *etcd, struct sync_apply *apply,
        const struct sync_load_hooks *hooks, void *arg, bool resumable);
void sync_load_start(struct sync_load *load);
void sync_load_free(struct sync_load *load);

/* The view is followed. Otherwise *ret_why says what is going on, static storage. */
bool sync_load_following(const struct sync_load *load, const char **ret_why);
/* What the view shows; 0 while there is none. */
int64_t sync_load_revision(const struct sync_load *load);

#endif
