/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * etcd 3.4 takes a UNIX socket only as unix://name:port, and then the file is "name:port" in its working directory.
 */
#include "dev_etcd.h"

#include "dev_dir.h"
#include "shardmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT "unix://" DEV_DIR_ETCD_SOCKET
#define PEER_SOCKET "peer:1"
#define PEER "unix://" PEER_SOCKET
#define LOG "etcd.log"
#define NO_SYNC "--unsafe-no-fsync"
#define HEALTH_TIMEOUT_MS 200
#define HEARTBEAT_MS "20" /* one member elects itself, but not before the time is out */
#define ELECTION_MS "200"
#define NOT_FOUND 127

static bool knows_no_sync(void)
{
	FILE *help = popen("etcd --help 2>&1", "re");
	char line[512];
	bool found = false;

	while (help != NULL && fgets(line, sizeof(line), help) != NULL)
		found = found || strstr(line, NO_SYNC) != NULL;
	if (help != NULL)
		pclose(help);
	return found;
}

/* Settings of another etcd must not reach ours. */
static void clean_environment(void)
{
	for (size_t i = 0; environ[i] != NULL;) {
		char name[128];
		size_t bytes = strcspn(environ[i], "=");

		snprintf(name, sizeof(name), "%.*s", (int)bytes, environ[i]);
		if (strncmp(name, "ETCD", 4) == 0 && strcmp(name, "ETCD_UNSUPPORTED_ARCH") != 0 && unsetenv(name) == 0)
			i = 0;
		else
			i++;
	}
}

static _Noreturn void become(const char *dir, const char *data, const char *no_sync, pid_t parent)
{
	char *argv[] = { "etcd", "--name", "dev", "--data-dir", (char *)data, "--listen-client-urls", CLIENT,
		"--advertise-client-urls", CLIENT, "--listen-peer-urls", PEER, "--initial-advertise-peer-urls", PEER,
		"--initial-cluster", "dev=" PEER, "--heartbeat-interval", HEARTBEAT_MS, "--election-timeout",
		ELECTION_MS, (char *)no_sync, NULL };
	sigset_t none;
	int log;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || chdir(dir) < 0)
		_exit(1);
	log = open(LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	clean_environment();
	execvp(argv[0], argv);
	_exit(NOT_FOUND);
}

static void remove_socket(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

int dev_etcd_start(const char *dir, const char *data, bool durable, pid_t *ret_pid, struct why *why)
{
	const char *no_sync = !durable && knows_no_sync() ? NO_SYNC : NULL;
	pid_t parent = getpid(), pid;

	remove_socket(dir, DEV_DIR_ETCD_SOCKET);
	remove_socket(dir, PEER_SOCKET);
	pid = fork();
	if (pid == 0)
		become(dir, data, no_sync, parent);
	if (pid < 0)
		return why_set(why, SM_ESYSTEM, "fork: %s", strerror(errno));
	*ret_pid = pid;
	return 0;
}

static bool read_health(int fd)
{
	static const char request[] = "GET /health HTTP/1.0\r\n\r\n";
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char answer[1024];
	size_t used = 0;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return false;
	while (used < sizeof(answer) - 1 && poll(&p, 1, HEALTH_TIMEOUT_MS) > 0) {
		ssize_t n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	answer[used] = '\0';
	return strstr(answer, "\"health\":\"true\"") != NULL;
}

bool dev_etcd_is_healthy(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool healthy;

	if (fd < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" DEV_DIR_ETCD_SOCKET, dir);
	healthy = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && read_health(fd);
	close(fd);
	return healthy;
}

static void read_last_line(const char *dir, char *ret_line, size_t line_bytes)
{
	char path[PATH_MAX], line[1024];
	FILE *file;

	ret_line[0] = '\0';
	snprintf(path, sizeof(path), "%s/" LOG, dir);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		snprintf(ret_line, line_bytes, "%.*s", (int)strcspn(line, "\n"), line);
	if (file != NULL)
		fclose(file);
}

void dev_etcd_explain(const char *dir, int status, struct why *ret_why)
{
	char line[600];

	read_last_line(dir, line, sizeof(line));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		why_set(ret_why, SM_ENOENT, "etcd is not installed; \"apt-get install etcd-server\" brings it");
	else if (WIFSIGNALED(status))
		why_set(ret_why, SM_ESYSTEM, "etcd was killed by signal %d", WTERMSIG(status));
	else
		why_set(ret_why, SM_ESYSTEM, "etcd ended with status %d: %s", WEXITSTATUS(status), line);
}
