/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The writer's side of the runtime directory: the lock, the header page, and which segment files are there. Not for other folders.
 */
#ifndef VIEW_HEAD_H
#define VIEW_HEAD_H

#include "view_layout.h"

/* Takes the lock; *ret_fd holds it until closed. SM_EEXIST: another process has it. */
int view_head_lock(const char *dir, int *ret_fd);
/* Maps the header page for writing, made new if there is none or it is of another layout; the lock must be held. */
int view_head_open(const char *dir, struct view_head **ret_head);
/* Removes every segment file but that of the current number. *ret_largest: the largest number seen, current one included. */
int view_head_sweep(const char *dir, uint64_t current, uint64_t *ret_largest);
/* Makes number the current one and removes the file of the one before. */
void view_head_publish(struct view_head *head, const char *dir, uint64_t number);
void view_head_unlink(const char *dir, uint64_t number);

#endif
