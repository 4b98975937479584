/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * fork, put the descriptors in order, exec.
 */
#include "supervisor_spawn.h"

#include "common/role.h"
#include "shardmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ABOVE (ROLE_FD_BELL_HTTP + 1) /* descriptors wait here until their places are free */

/* In the child, between fork and exec: async-signal-safe calls only. */
static bool place_descriptors(int link_fd, const struct supervisor_spawn *spawn)
{
	int from[] = { link_fd, spawn->listen_fd, spawn->bell_balancer_fd, spawn->bell_http_fd };
	const int count = sizeof(from) / sizeof(from[0]);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return false;
	for (int i = 0; i < count; i++)
		if (from[i] >= 0 && (from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ABOVE)) < 0)
			return false;
	for (int i = 0; i < count; i++) {
		if (from[i] < 0)
			close(ROLE_FD_PARENT + i);
		else if (dup2(from[i], ROLE_FD_PARENT + i) < 0)
			return false;
	}
	return close_range(ROLE_FD_PARENT + (unsigned)count, ~0U, 0) == 0;
}

/* WHY: the supervisor's handlers write to a pipe that the child still shares; a signal to the child must not look like one to the parent */
static void reset_signals(const sigset_t *mask)
{
	static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE };

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		signal(handled[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static _Noreturn void become(const struct supervisor_spawn *spawn, int link_fd, pid_t parent, const sigset_t *mask)
{
	char role[32] = "--role=";
	char *argv[] = { "smd", role, NULL };

	if (!spawn->outlives && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(1); /* the supervisor died before the signal was set */
	reset_signals(mask);
	strncat(role, spawn->role, sizeof(role) - strlen(role) - 1);
	if (place_descriptors(link_fd, spawn))
		execv("/proc/self/exe", argv);
	_exit(127);
}

int supervisor_spawn_start(const struct supervisor_spawn *spawn, pid_t *ret_pid, int *ret_link_fd, struct why *why)
{
	pid_t parent = getpid(), pid;
	sigset_t all, mask;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return why_set(why, SM_ESYSTEM, "socketpair: %s", strerror(errno));
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0)
		become(spawn, ends[1], parent, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(ends[1]);
	if (pid < 0) {
		int error = why_set(why, SM_ESYSTEM, "fork failed; too many processes, or no memory");

		close(ends[0]);
		return error;
	}
	*ret_pid = pid;
	*ret_link_fd = ends[0];
	return 0;
}
