/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Directory, lock, sockets.
 */
#include "supervisor_sockets.h"

#include "common/command.h"
#include "shardmgr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512

static int check_dir(const char *dir, struct why *why)
{
	struct stat st;

	if (mkdir(dir, 0755) == 0)
		return chmod(dir, 0755) == 0 ? 0 : why_set(why, SM_ESYSTEM, "%s: %s", dir, strerror(errno));
	if (errno != EEXIST)
		return why_set(why, SM_ESYSTEM,
		        "cannot make the runtime directory %s: %s; make it or its parent, or set runtimeDir", dir,
		        strerror(errno));
	if (stat(dir, &st) < 0)
		return why_set(why, SM_ESYSTEM, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return why_set(why, SM_EINVAL, "%s is not a directory; set runtimeDir to one", dir);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return why_set(why, SM_EINVAL,
		        "%s can be written by others; give smd a runtimeDir of its own, mode 0755", dir);
	return 0;
}

static int say_locked(const char *dir, int fd, struct why *why)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return why_set(why, SM_EEXIST, "another smd (process %s) runs in %s; stop it, or set another runtimeDir",
	        pid[0] != '\0' ? pid : "unknown", dir);
}

int supervisor_sockets_lock(const char *dir, int *ret_fd, struct why *why)
{
	char path[PATH_MAX];
	int error = check_dir(dir, why), fd;

	if (error != 0)
		return error;
	snprintf(path, sizeof(path), "%s/" SUPERVISOR_LOCK, dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return why_set(why, SM_ESYSTEM, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK ? say_locked(dir, fd, why)
		                             : why_set(why, SM_ESYSTEM, "%s: %s", path, strerror(errno));
		close(fd);
		return error;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		error = why_set(why, SM_ESYSTEM, "%s: %s", path, strerror(errno));
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int supervisor_sockets_command(const char *dir, int *ret_fd, struct why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, bound;
	mode_t mask;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" COMMAND_SOCKET, dir) >=
	        (int)sizeof(address.sun_path))
		return why_set(why, SM_EINVAL,
		        "%s is too long for a UNIX socket in it (%zu bytes); set a shorter runtimeDir", dir,
		        sizeof(address.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_set(why, SM_ESYSTEM, "socket: %s", strerror(errno));
	unlink(address.sun_path);
	mask = umask(0177);
	bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (bound < 0 || listen(fd, BACKLOG) < 0) {
		int error = why_set(why, SM_ESYSTEM, "%s: %s", address.sun_path, strerror(errno));

		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

struct inet {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t bytes;
};

static struct inet inet_of(const char *text, int64_t port)
{
	struct inet inet = { 0 };

	if (inet_pton(AF_INET, text, &inet.address.v4.sin_addr) == 1) {
		inet.address.v4.sin_family = AF_INET;
		inet.address.v4.sin_port = htons((uint16_t)port);
		inet.bytes = sizeof(inet.address.v4);
	} else if (inet_pton(AF_INET6, text, &inet.address.v6.sin6_addr) == 1) {
		inet.address.v6.sin6_family = AF_INET6;
		inet.address.v6.sin6_port = htons((uint16_t)port);
		inet.bytes = sizeof(inet.address.v6);
	}
	return inet;
}

static int say_busy(int fd, const char *address, int64_t port, struct why *why)
{
	const char *advice = errno == EADDRINUSE ? "; another process has it: stop that one, or set another port" : "";
	int error = why_set(
	        why, SM_ESYSTEM, "cannot listen on %s port %d: %s%s", address, (int)port, strerror(errno), advice);

	if (fd >= 0)
		close(fd);
	return error;
}

int supervisor_sockets_http(
        const char *address, int64_t port, int *ret_fd, char *ret_url, size_t url_bytes, struct why *why)
{
	struct inet inet = inet_of(address, port);
	bool v6 = inet.address.any.sa_family == AF_INET6;
	int fd = socket(inet.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	        bind(fd, &inet.address.any, inet.bytes) < 0 || listen(fd, BACKLOG) < 0 ||
	        getsockname(fd, &inet.address.any, &inet.bytes) < 0)
		return say_busy(fd, address, port, why);
	snprintf(ret_url, url_bytes, v6 ? "http://[%s]:%d" : "http://%s:%d", address,
	        ntohs(v6 ? inet.address.v6.sin6_port : inet.address.v4.sin_port));
	*ret_fd = fd;
	return 0;
}
