/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_writer.h"

#include "shardmgr.h"
#include "view_head.h"
#include "view_make.h"
#include "view_note.h"
#include "view_sighting.h"
#include "view_writer_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* The 32 hex digits of the kernel's boot id. */
static int read_boot_id(uint8_t *ret_id)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!file)
		return SM_ESYSTEM;
	int got = 0;
	for (int c, half = -1; got < 16 && (c = fgetc(file)) != EOF && c != '\n';) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, c);
		if (!digit || !c)
			continue;
		if (half >= 0)
			ret_id[got++] = (uint8_t)(half << 4 | (int)(digit - digits));
		half = half < 0 ? (int)(digit - digits) : -1;
	}
	fclose(file);
	return got == 16 ? 0 : SM_ESYSTEM;
}

static bool same_boot(const struct view_writer *writer)
{
	const struct view *view = &writer->store.view;
	return memcmp(view->segment->boot_id, writer->boot_id, sizeof(writer->boot_id)) == 0 &&
	       strcmp(view_prefix(view), writer->prefix) == 0 &&
	       strcmp(view_manager_service(view), writer->manager_service) == 0;
}

/* Everything that is there from before: the header page and perhaps a segment. One that cannot be read is as good as none. */
static int open_existing(struct view_writer *writer)
{
	int error = view_head_lock(writer->dir, &writer->lock_fd);
	if (!error)
		error = view_head_open(writer->dir, &writer->head);
	if (!error)
		error = view_head_sweep(writer->dir, writer->head->number, &writer->last_number);
	if (error)
		return error;
	error = writer->head->number ? view_store_open(&writer->store, writer->dir, writer->head->number) : SM_ENOENT;
	if (error)
		return error == SM_ENOMEM ? error : 0;
	writer->same_boot = same_boot(writer);
	writer->usable = writer->same_boot && !writer->store.view.segment->publishing;
	return 0;
}

int view_writer_open(
        const char *dir, const struct view_identity *identity, struct view_writer **ret_writer, bool *ret_resumable)
{
	struct view_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return SM_ENOMEM;
	writer->lock_fd = -1;
	writer->store.fd = -1;
	writer->dir = realpath(dir, NULL);
	writer->prefix = strdup(identity->prefix);
	writer->manager_service = strdup(identity->manager_service);
	int error = !writer->dir ? SM_ESYSTEM : !writer->prefix || !writer->manager_service ? SM_ENOMEM : 0;
	if (!error)
		error = read_boot_id(writer->boot_id);
	if (!error)
		error = open_existing(writer);
	if (error) {
		view_writer_close(writer);
		return error;
	}
	*ret_resumable = writer->usable;
	*ret_writer = writer;
	return 0;
}

static void release_retired(struct view_writer *writer)
{
	while (writer->retired) {
		struct view_retired *retired = writer->retired;
		writer->retired = retired->next;
		view_map_release(&retired->view);
		free(retired);
	}
}

void view_writer_close(struct view_writer *writer)
{
	if (!writer)
		return;
	release_retired(writer);
	if (writer->store.fd >= 0 && view_writer_pending(writer))
		view_head_unlink(writer->dir, writer->store.view.number);
	view_store_close(&writer->store);
	view_map_head_release(writer->head);
	if (writer->lock_fd >= 0)
		close(writer->lock_fd);
	free(writer->dir);
	free(writer->prefix);
	free(writer->manager_service);
	free(writer);
}

/* What a segment is of; and the sightings of the one before. */
static int fill_new(struct view_writer *writer, struct view_store *store)
{
	struct view_segment *segment = store->view.segment;
	memcpy(segment->boot_id, writer->boot_id, sizeof(segment->boot_id));
	int error = view_make_string(store, writer->prefix, &segment->prefix);
	if (!error)
		error = view_make_string(store, writer->manager_service, &segment->manager_service);
	if (!error && writer->same_boot)
		error = view_sighting_copy(store, &writer->store.view);
	return error == VIEW_NO_ROOM || error == VIEW_COLLISION ? SM_EINVAL : error;
}

int view_writer_reset(struct view_writer *writer, uint64_t expected_shards)
{
	struct view_store next;
	struct view_size size = view_store_size_for(expected_shards);
	uint64_t seed, number = writer->last_number + 1;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return SM_ESYSTEM;
	if (writer->same_boot) /* room for what fill_new takes over */
		size.capacity[VIEW_SIGHTINGS] = writer->store.view.segment->regions[VIEW_SIGHTINGS].capacity;
	int error = view_store_create(&next, writer->dir, number, seed, &size);
	if (error)
		return error;
	error = fill_new(writer, &next);
	if (error) {
		view_store_close(&next);
		view_head_unlink(writer->dir, number);
		return error;
	}
	if (writer->store.fd >= 0 && view_writer_pending(writer))
		view_head_unlink(writer->dir, writer->store.view.number);
	release_retired(writer);
	view_store_close(&writer->store);
	writer->store = next;
	writer->last_number = number;
	writer->usable = writer->same_boot = true;
	return 0;
}

const struct view *view_writer_view(const struct view_writer *writer)
{
	return &writer->store.view;
}

void view_writer_begin(struct view_writer *writer)
{
	assert(writer->usable && !writer->store.view.segment->publishing);
	release_retired(writer);
	VIEW_STORE(&writer->store.view.segment->publishing, 1);
}

void view_writer_publish(struct view_writer *writer, uint64_t revision)
{
	struct view *view = &writer->store.view;
	assert(view->segment->publishing && revision >= view->segment->revision);
	view_note_settle(view, revision);
	VIEW_STORE(&view->segment->revision, revision);
	VIEW_STORE(&view->segment->publishing, 0);
	if (view_writer_pending(writer))
		view_head_publish(writer->head, writer->dir, view->number);
}

void view_writer_synced(struct view_writer *writer, uint64_t boot_ms)
{
	VIEW_STORE(&writer->store.view.segment->synced_at_ms, boot_ms);
}

void view_writer_store_incarnation(struct view_writer *writer, uint64_t incarnation)
{
	VIEW_STORE(&writer->store.view.segment->store_incarnation, incarnation);
}
