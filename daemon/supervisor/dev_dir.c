/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A directory whose lock says whether anybody still lives in it.
 */
#include "dev_dir.h"

#include "common/clocks.h"
#include "shardmgr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEM "smd-dev-"
#define MARK "dev.lock"

static const char *parent_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && dir[0] == '/' ? dir : "/tmp";
}

static bool is_linked(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* A sweeper may take the mark away between its making and its lock: then -1, and the caller makes another directory. */
static int open_mark(const char *dir, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/" MARK, dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd >= 0 && flock(fd, LOCK_SH) == 0 && is_linked(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int dev_dir_make(char *ret_dir, int *ret_lock_fd, struct why *why)
{
	char dir[DEV_DIR_BYTES];

	for (int tries = 0; tries < 100; tries++) {
		if (snprintf(dir, sizeof(dir), "%s/" STEM "XXXXXX", parent_dir()) >= (int)sizeof(dir))
			return why_set(why, SM_EINVAL,
			        "%s is too long for UNIX sockets below it (%d bytes at most); set TMPDIR to a shorter "
			        "path",
			        parent_dir(), DEV_DIR_BYTES - (int)sizeof("/" STEM "XXXXXX"));
		if (mkdtemp(dir) == NULL)
			return why_set(why, SM_ESYSTEM,
			        "cannot make a directory in %s: %s; set TMPDIR to one that can be written",
			        parent_dir(), strerror(errno));
		*ret_lock_fd = open_mark(dir, O_CREAT);
		if (*ret_lock_fd >= 0) {
			memcpy(ret_dir, dir, sizeof(dir));
			return 0;
		}
		rmdir(dir);
	}
	return why_set(why, SM_ESYSTEM, "cannot make files in %s", parent_dir());
}

int dev_dir_join(const char *dir, int *ret_lock_fd, struct why *why)
{
	int fd = open_mark(dir, 0);

	if (fd < 0)
		return why_set(why, SM_ENOENT, "%s is gone", dir);
	*ret_lock_fd = fd;
	return 0;
}

/* ---- remove ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	remove(path); /* what stays keeps its directory, which the caller sees */
	return 0;
}

static void remove_below(const char *dir)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		        strcmp(entry->d_name, MARK) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
	if (list != NULL)
		closedir(list);
}

static bool is_empty_but_mark(const char *dir)
{
	DIR *list = opendir(dir);
	int others = 0;
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL)
		others += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		          strcmp(entry->d_name, MARK) != 0;
	if (list != NULL)
		closedir(list);
	return others == 0;
}

int dev_dir_remove(const char *dir, int timeout_ms)
{
	struct clocks deadline = clocks_after(clocks_now(), (uint64_t)timeout_ms * 1000000u);
	char mark[PATH_MAX + sizeof("/" MARK)];

	snprintf(mark, sizeof(mark), "%s/" MARK, dir);
	for (;;) {
		remove_below(dir);
		if (is_empty_but_mark(dir)) {
			unlink(mark);
			if (rmdir(dir) == 0 || errno == ENOENT)
				return 0;
		}
		if (clocks_passed_either(clocks_now(), deadline))
			return SM_ESYSTEM;
		usleep(5000);
	}
}

/* ---- sweep ---- */

static void sweep_one(const char *dir)
{
	char path[PATH_MAX + sizeof("/" MARK)];
	struct stat st;
	int fd;

	if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return;
	snprintf(path, sizeof(path), "%s/" MARK, dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		rmdir(dir); /* killed before the mark was made: it is empty, or not ours */
	else if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_linked(fd))
		dev_dir_remove(dir, 0);
	if (fd >= 0)
		close(fd);
}

void dev_dir_sweep(void)
{
	DIR *list = opendir(parent_dir());
	struct dirent *entry;
	char path[PATH_MAX];

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, STEM, strlen(STEM)) != 0 || strlen(entry->d_name) != strlen(STEM) + 6)
			continue;
		snprintf(path, sizeof(path), "%s/%s", parent_dir(), entry->d_name);
		sweep_one(path);
	}
	if (list != NULL)
		closedir(list);
}
