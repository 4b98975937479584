/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One list per service, one after the other.
 */
#include "sync_resume.h"

#include "../common/log.h"

#include <shardmgr.h>
#include <stdlib.h>

struct sync_resume {
	struct etcd *etcd;
	struct sync_apply *apply;
	sync_resume_fn *done;
	void *arg;
	struct etcd_call *call;
	int64_t revision;
	uint32_t service_row; /* whose sessions are being listed */
};

static void list_next(struct sync_resume *resume);

static void on_page(void *arg, int64_t revision, const struct etcd_kv *kvs, size_t count)
{
	struct sync_resume *resume = arg;

	(void)revision;
	for (size_t i = 0; i < count; i++)
		if (sync_apply_remember(resume->apply, &kvs[i]) != 0)
			fatalx("out of memory for sessions");
}

static void on_listed(void *arg, int error, const char *why, int64_t revision)
{
	struct sync_resume *resume = arg;

	(void)revision;
	resume->call = NULL;
	if (error != 0) {
		resume->done(resume->arg, error, why);
		return;
	}
	resume->service_row = view_service_next(view_writer_view(resume->apply->writer), resume->service_row);
	list_next(resume);
}

static void list_next(struct sync_resume *resume)
{
	const struct view *view = view_writer_view(resume->apply->writer);
	struct view_service service;
	char prefix[KEYS_BYTES];

	for (; resume->service_row != VIEW_NONE; resume->service_row = view_service_next(view, resume->service_row)) {
		view_service_get(view, resume->service_row, &service);
		if (service.container_count == 0 || keys_join_prefix(resume->apply->keys, KEYS_PREFIX_SESSIONS,
		                                            service.name, NULL, prefix, NULL) != 0)
			continue;
		resume->call = etcd_list(resume->etcd, prefix, resume->revision, on_page, on_listed, resume);
		if (resume->call == NULL)
			fatalx("out of memory for sessions");
		return;
	}
	resume->done(resume->arg, 0, "");
}

void sync_resume_start(struct sync_resume *resume, int64_t revision)
{
	sync_resume_cancel(resume);
	sync_sessions_clear(resume->apply->sessions);
	resume->revision = revision;
	resume->service_row = view_service_first(view_writer_view(resume->apply->writer));
	list_next(resume);
}

void sync_resume_cancel(struct sync_resume *resume)
{
	if (resume->call != NULL)
		etcd_cancel(resume->call);
	resume->call = NULL;
}

struct sync_resume *sync_resume_new(struct etcd *etcd, struct sync_apply *apply, sync_resume_fn *done, void *arg)
{
	struct sync_resume *resume = calloc(1, sizeof(*resume));

	if (resume == NULL)
		return NULL;
	resume->etcd = etcd;
	resume->apply = apply;
	resume->done = done;
	resume->arg = arg;
	return resume;
}

void sync_resume_free(struct sync_resume *resume)
{
	if (resume == NULL)
		return;
	sync_resume_cancel(resume);
	free(resume);
}
