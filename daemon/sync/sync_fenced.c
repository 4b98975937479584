/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * send -> answered | fence changed: send | lost: pause -> read the fence -> touch it -> send
 */
#include "sync_fenced.h"

#include "../common/clocks.h"
#include "../common/log.h"

#include <shardmgr.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 200u

struct fenced {
	struct sync_context *context;
	const struct sync_fenced_calls *calls;
	void *arg;
	struct event *timer;
	uint64_t deadline_ms;
	int64_t revision;         /* of the fence, as far as is known */
	bool repeated, unsettled; /* a try's answer was lost; its fence still stands */
	char fence[];
};

static void send_try(struct fenced *fenced, const struct etcd_kv *fence);
static void read_fence(struct fenced *fenced);

static void finish(
        struct fenced *fenced, int error, const char *why, const struct etcd_txn_result *then, int64_t revision)
{
	/* The try whose answer was lost may have made the change, or may still make it. */
	if (error != 0 && error != SM_ENOENT && fenced->repeated) {
		error = SM_EUNKNOWN;
		why = sync_context_unknown;
	}
	fenced->calls->done(fenced->arg, error, why, then, revision, fenced->repeated);
	event_free(fenced->timer);
	free(fenced);
}

static bool too_late(const struct fenced *fenced)
{
	return clocks_now().boot_ns / 1000000u >= fenced->deadline_ms;
}

static void check_call(const struct etcd_call *call)
{
	if (call == NULL)
		fatalx("out of memory for a request to etcd");
}

/* Tries to settle again after a pause, while there is time. */
static void pause_and_read(struct fenced *fenced)
{
	struct timeval wait = { .tv_usec = PAUSE_MS * 1000 };

	if (too_late(fenced))
		finish(fenced, SM_EUNKNOWN, sync_context_unknown, NULL, 0);
	else
		evtimer_add(fenced->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_fence(arg);
}

/* The fence was found with another revision than the tries so far compare. */
static void go_on_at(struct fenced *fenced, const struct etcd_kv *kv, size_t count)
{
	/* What a lost try changed came before the fence did: whoever waits for the fence sees it, too. */
	if (fenced->unsettled && count > 0)
		sync_context_revision(fenced->context, kv->mod_revision, true);
	fenced->unsettled = false;
	if (count == 0) {
		finish(fenced, SM_ENOENT, "it does not exist", NULL, 0);
		return;
	}
	fenced->revision = kv->mod_revision;
	if (too_late(fenced))
		finish(fenced, SM_ECONFLICT, "somebody else keeps changing it; try again later", NULL, 0);
	else
		send_try(fenced, kv);
}

static void on_touched(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct fenced *fenced = arg;

	(void)why;
	(void)header;
	(void)result;
	if (error != 0)
		pause_and_read(fenced);
	else
		read_fence(fenced);
}

static void touch(struct fenced *fenced, const struct etcd_kv *kv)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_if_mod_revision(txn, fenced->fence, kv->mod_revision);
	etcd_txn_put(txn, ETCD_THEN, fenced->fence, kv->value, kv->value_bytes, kv->lease);
	check_call(etcd_txn_send(fenced->context->etcd, txn, on_touched, fenced));
}

static void on_read(void *arg, int error, const char *why, const struct etcd_range_result *result)
{
	struct fenced *fenced = arg;

	if (error != 0 && fenced->repeated)
		pause_and_read(fenced);
	else if (error != 0)
		finish(fenced, error, why, NULL, 0);
	else if (fenced->unsettled && result->count > 0 && result->kvs[0].mod_revision == fenced->revision)
		touch(fenced, &result->kvs[0]);
	else
		go_on_at(fenced, result->kvs, result->count);
}

static void read_fence(struct fenced *fenced)
{
	check_call(etcd_get(fenced->context->etcd, fenced->fence, on_read, fenced));
}

static void on_answered(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct fenced *fenced = arg;

	if (error == SM_EUNKNOWN) {
		fenced->repeated = fenced->unsettled = true;
		pause_and_read(fenced);
	} else if (error == SM_EUNAVAILABLE && fenced->repeated) {
		pause_and_read(fenced);
	} else if (error != 0) {
		finish(fenced, error, why, NULL, 0);
	} else if (!result->succeeded) {
		go_on_at(fenced, result->ops[0].kvs, result->ops[0].kv_count);
	} else {
		finish(fenced, 0, "", result, header->revision);
	}
}

static void send_try(struct fenced *fenced, const struct etcd_kv *fence)
{
	struct etcd_txn *txn = etcd_txn_new();
	struct why why = { "" };
	int error;

	etcd_txn_if_mod_revision(txn, fenced->fence, fenced->revision);
	etcd_txn_get(txn, ETCD_ELSE, fenced->fence);
	error = fenced->calls->build(fenced->arg, txn, fence, &why);
	if (error != 0) {
		etcd_txn_free(txn);
		finish(fenced, error == SYNC_FENCED_NOTHING ? 0 : error, why.text, NULL, fenced->revision);
		return;
	}
	check_call(etcd_txn_send(fenced->context->etcd, txn, on_answered, fenced));
}

int sync_fenced_start(struct sync_context *context, const char *fence, int64_t guess, uint64_t deadline_ms,
        const struct sync_fenced_calls *calls, void *arg)
{
	size_t bytes = strlen(fence) + 1;
	struct fenced *fenced = calloc(1, sizeof(*fenced) + bytes);

	if (fenced == NULL)
		return SM_ENOMEM;
	fenced->timer = evtimer_new(context->base, on_timer, fenced);
	if (fenced->timer == NULL) {
		free(fenced);
		return SM_ENOMEM;
	}
	fenced->context = context;
	fenced->calls = calls;
	fenced->arg = arg;
	fenced->revision = guess;
	fenced->deadline_ms = deadline_ms;
	memcpy(fenced->fence, fence, bytes);
	if (guess == 0)
		read_fence(fenced);
	else
		send_try(fenced, NULL);
	return 0;
}
