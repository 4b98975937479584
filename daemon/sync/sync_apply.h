/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What etcd holds -> what the view holds, key by key. The view is a function of etcd's content alone: a value that does not parse
 * counts as absent (and is reported), whatever was there before, so that a view that followed equals one that was loaded.
 */
#ifndef SYNC_APPLY_H
#define SYNC_APPLY_H

#include "../common/clocks.h"
#include "../common/keys.h"
#include "../etcd/etcd.h"
#include "sync_sessions.h"

#include <view_writer.h>

/* What others want to know besides; called after the view's rows are written. */
struct sync_apply_hooks {
	/* A session key appeared (began) or went (ended): its create_revision; the other is 0. */
	void (*session)(void *arg, const char *service, const char *container, int64_t began, int64_t ended);
	/* The claim of a shard, NULL when there is none (any more). */
	void (*claim)(
	        void *arg, const char *service, const char *shard, uint32_t replica, const struct view_claim *claim);
	void (*spec)(void *arg, const char *service, int64_t max_recovery_time_s); /* 0 when it went */
	/* P/app/S/containerhb/ exists. */
	void (*place)(void *arg, const char *service);
	/* The mark of a deleted service whose state is not swept yet; 0: it went. */
	void (*deleted)(void *arg, const char *service, int64_t mod_revision);
	void (*malformed)(void *arg, const char *key, int64_t mod_revision, const char *why);
};

struct sync_apply {
	const struct keys *keys;
	struct view_writer *writer;
	struct sync_sessions *sessions;
	const struct sync_apply_hooks *hooks;
	void *arg;
	struct clocks now;          /* set by the caller before a batch */
	uint64_t store_incarnation; /* of the last P/store seen; 0: it is absent */
	char *store_value;          /* its text; freed by sync_apply_done */
};

void sync_apply_done(struct sync_apply *apply);

/* Between view_writer_begin and publish. 0, also for keys that are none of ours and for malformed values. SM_EINVAL: the segment has run
 * out of container numbers, fill a fresh one. SM_ENOMEM, SM_ESYSTEM. */
int sync_apply_put(struct sync_apply *apply, const struct etcd_kv *kv);
int sync_apply_delete(struct sync_apply *apply, const struct etcd_kv *kv);
/* For a view that is resumed: only remembers the session; the view has it already. */
int sync_apply_remember(struct sync_apply *apply, const struct etcd_kv *kv);

#endif
