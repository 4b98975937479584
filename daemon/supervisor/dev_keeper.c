/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A poll loop over the supervisor's link, signals and etcd's health.
 */
#include "dev_keeper.h"

#include "common/clocks.h"
#include "common/link.h"
#include "common/log.h"
#include "common/role.h"
#include "dev_dir.h"
#include "dev_etcd.h"
#include "shardmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_TIMEOUT_MS 10000
#define HEALTH_EVERY_MS 10
#define BEAT_EVERY_MS 1000
#define END_TIMEOUT_MS 1000    /* for etcd to end by itself, when its data is to be kept */
#define REMOVE_TIMEOUT_MS 1500 /* the supervisor's other children may live a moment longer */

struct keeper {
	char dir[DEV_DIR_BYTES], persist[PATH_MAX]; /* persist "" = none */
	int signal_fd;
	pid_t etcd; /* 0 = does not run */
	bool ready;
};

static void say(const char *type, const char *name, const char *value)
{
	json_t *message = json_pack("{s:s, s:s*}", "type", type, name, value);

	if (message != NULL)
		link_write_blocking(ROLE_FD_PARENT, message);
	json_decref(message);
}

static void end_etcd(struct keeper *keeper)
{
	bool gently = keeper->persist[0] != '\0';

	if (keeper->etcd == 0)
		return;
	kill(keeper->etcd, gently ? SIGTERM : SIGKILL);
	for (int waited_ms = 0; waitpid(keeper->etcd, NULL, WNOHANG) == 0; waited_ms += 5) {
		if (waited_ms == END_TIMEOUT_MS)
			kill(keeper->etcd, SIGKILL);
		usleep(5000);
	}
	keeper->etcd = 0;
}

/* The supervisor is gone. */
static _Noreturn void clean_up(struct keeper *keeper)
{
	end_etcd(keeper);
	if (keeper->dir[0] != '\0' && dev_dir_remove(keeper->dir, REMOVE_TIMEOUT_MS) != 0)
		fatalx("cannot remove %s; the next smd dev does", keeper->dir);
	exit(1);
}

static _Noreturn void give_up(struct keeper *keeper, const char *text)
{
	end_etcd(keeper);
	say("fatal", "text", text);
	fatalx("%s", text);
}

static bool supervisor_is_gone(void)
{
	struct pollfd p = { .fd = ROLE_FD_PARENT, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void init_signals(struct keeper *keeper)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	keeper->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signal_fd < 0)
		fatalx("signalfd: %s", strerror(errno));
}

/* Two etcds on the same data would wait for each other for ever. */
static void lock_persist(struct keeper *keeper)
{
	char path[PATH_MAX + 16], text[PATH_MAX + 128];
	int fd;

	snprintf(path, sizeof(path), "%s/dev.lock", keeper->persist);
	if (mkdir(keeper->persist, 0700) < 0 && errno != EEXIST) {
		snprintf(text, sizeof(text), "cannot make %s: %s", keeper->persist, strerror(errno));
		give_up(keeper, text);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return; /* held until this process ends */
	snprintf(text, sizeof(text), "%s: %s", path,
	        errno == EWOULDBLOCK ? "another smd dev keeps its data there; stop it, or give another directory"
	                             : strerror(errno));
	give_up(keeper, text);
}

static void receive_config(struct keeper *keeper)
{
	json_t *message = NULL;
	const char *dir, *persist;
	int lock_fd; /* held until this process ends */
	struct why why;

	if (link_read_blocking(ROLE_FD_PARENT, CONFIG_TIMEOUT_MS, &message) != 0 ||
	        json_unpack(message, "{s:s, s:s}", "dir", &dir, "persist", &persist) < 0 ||
	        strlen(dir) >= DEV_DIR_BYTES || strlen(persist) >= PATH_MAX)
		fatalx("no configuration on descriptor %d; only smd itself starts a role", ROLE_FD_PARENT);
	strcpy(keeper->persist, persist);
	if (dir[0] == '\0') {
		dev_dir_sweep();
		if (dev_dir_make(keeper->dir, &lock_fd, &why) != 0)
			give_up(keeper, why.text);
		say("dir", "dir", keeper->dir);
	} else {
		if (dev_dir_join(dir, &lock_fd, &why) != 0)
			give_up(keeper, why.text);
		strcpy(keeper->dir, dir);
	}
	json_decref(message);
}

static void start_etcd(struct keeper *keeper)
{
	char data[PATH_MAX + 16];
	struct why why;

	if (keeper->persist[0] != '\0')
		lock_persist(keeper);
	snprintf(data, sizeof(data), "%s/%s", keeper->persist[0] != '\0' ? keeper->persist : keeper->dir,
	        keeper->persist[0] != '\0' ? "etcd" : "data");
	if (dev_etcd_start(keeper->dir, data, keeper->persist[0] != '\0', &keeper->etcd, &why) != 0)
		give_up(keeper, why.text);
}

static void on_signal(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	int status;
	struct why why;

	while (read(keeper->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM) {
			end_etcd(keeper);
			exit(0);
		}
	}
	if (waitpid(keeper->etcd, &status, WNOHANG) == keeper->etcd) {
		keeper->etcd = 0;
		dev_etcd_explain(keeper->dir, status, &why);
		give_up(keeper, why.text);
	}
}

int dev_keeper_main(void)
{
	struct keeper keeper = { 0 };

	setsid(); /* what hits the supervisor's process group must not hit the one that cleans up */
	log_init("etcd", LOG_LEVEL_INFO);
	prctl(PR_SET_NAME, "smd-etcd");
	init_signals(&keeper);
	receive_config(&keeper);
	if (supervisor_is_gone())
		clean_up(&keeper);
	start_etcd(&keeper);
	for (;;) {
		struct pollfd fds[] = { { .fd = ROLE_FD_PARENT, .events = POLLIN },
			{ .fd = keeper.signal_fd, .events = POLLIN } };
		int n = poll(fds, 2, keeper.ready ? BEAT_EVERY_MS : HEALTH_EVERY_MS);

		if (n > 0 && fds[0].revents != 0)
			clean_up(&keeper);
		if (n > 0 && fds[1].revents != 0)
			on_signal(&keeper);
		if (n == 0 && keeper.ready)
			say("beat", "", NULL);
		if (n == 0 && !keeper.ready && dev_etcd_is_healthy(keeper.dir)) {
			keeper.ready = true;
			say("ready", "", NULL);
		}
	}
}
