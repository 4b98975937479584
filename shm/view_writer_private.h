/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the files of the writer share. Not for other folders.
 */
#ifndef VIEW_WRITER_PRIVATE_H
#define VIEW_WRITER_PRIVATE_H

#include "view_store.h"
#include "view_writer.h"

#include <string.h>

/* A mapping that was moved out of: its strings stay valid for the caller until the next begin, reset or close. */
struct view_retired {
	struct view view;
	struct view_retired *next;
};

struct view_writer {
	char *dir, *prefix, *manager_service;
	uint8_t boot_id[16];
	int lock_fd;
	struct view_head *head;
	struct view_store store; /* what is written; fd -1: nothing yet */
	bool usable;             /* store may be continued; false: only its sightings may be taken over */
	bool same_boot;          /* of the store: identity and boot are right, so its sightings are */
	uint64_t last_number;    /* largest ever given to a file */
	struct view_retired *retired;
};

/* The segment that is written is not the one that readers know yet. */
static inline bool view_writer_pending(const struct view_writer *writer)
{
	return writer->store.view.number != writer->head->number;
}

#define VIEW_TEXT_BYTES (16u * 1024u * 1024u) /* longest text of any kind */
/* Whether a text (NULL = "") can be held. */
static inline bool view_writer_text_fits(const char *text)
{
	return !text || strnlen(text, VIEW_TEXT_BYTES) < VIEW_TEXT_BYTES;
}

static inline bool view_writer_revision_fits(int64_t revision)
{
	return revision >= 0 && revision <= VIEW_REVISION_MAX;
}

#endif
