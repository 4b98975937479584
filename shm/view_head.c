/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_head.h"

#include "shardmgr.h"
#include "view_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *dir, const char *name, mode_t mode, int *ret_fd)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return SM_EINVAL;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
	if (fd < 0)
		return SM_ESYSTEM;
	*ret_fd = fd;
	return 0;
}

/* A file of its own: whoever may read a file may lock it, and readers must not be able to keep the writer out. */
int view_head_lock(const char *dir, int *ret_fd)
{
	int fd;
	int error = open_file(dir, "view.lock", 0600, &fd);
	if (error)
		return error;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK ? SM_EEXIST : SM_ESYSTEM;
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

/* In place, because readers may have the page mapped and wait for another number. The magic comes last, so that a page cut short is no view. */
static void init_head(struct view_head *head)
{
	VIEW_STORE(&head->magic, 0);
	VIEW_STORE(&head->number, 0);
	VIEW_STORE(&head->major, VIEW_MAJOR);
	VIEW_STORE(&head->page_bytes, VIEW_PAGE_BYTES);
	VIEW_STORE(&head->magic, VIEW_HEAD_MAGIC);
}

int view_head_open(const char *dir, struct view_head **ret_head)
{
	int fd;
	int error = open_file(dir, "view", 0644, &fd);
	if (error)
		return error;
	struct stat status;
	if (fchmod(fd, 0644) < 0 || fstat(fd, &status) < 0 ||
	        (status.st_size != VIEW_PAGE_BYTES && ftruncate(fd, VIEW_PAGE_BYTES) < 0) ||
	        posix_fallocate(fd, 0, VIEW_PAGE_BYTES) != 0)
		error = SM_ESYSTEM;
	struct view_head *head = NULL;
	if (!error)
		error = view_map_head(fd, true, &head);
	close(fd);
	if (error)
		return error;
	if (head->magic != VIEW_HEAD_MAGIC || head->major != VIEW_MAJOR || head->page_bytes != VIEW_PAGE_BYTES ||
	        head->number > UINT64_MAX / 2)
		init_head(head);
	*ret_head = head;
	return 0;
}

void view_head_unlink(const char *dir, uint64_t number)
{
	char path[PATH_MAX];
	if (view_map_path(dir, number, path) == 0)
		unlink(path);
}

int view_head_sweep(const char *dir, uint64_t current, uint64_t *ret_largest)
{
	DIR *entries = opendir(dir);
	if (!entries)
		return SM_ESYSTEM;
	uint64_t largest = current;
	for (struct dirent *entry; (entry = readdir(entries));) {
		const char *digits = entry->d_name + 5;
		if (strncmp(entry->d_name, "view.", 5) != 0 || !*digits || digits[strspn(digits, "0123456789")])
			continue;
		uint64_t number = strtoull(digits, NULL, 10);
		if (number > largest && number < UINT64_MAX)
			largest = number;
		if (number != current)
			view_head_unlink(dir, number);
	}
	closedir(entries);
	*ret_largest = largest;
	return 0;
}

void view_head_publish(struct view_head *head, const char *dir, uint64_t number)
{
	uint64_t before = head->number;
	VIEW_STORE(&head->number, number);
	if (before && before != number)
		view_head_unlink(dir, before);
}
