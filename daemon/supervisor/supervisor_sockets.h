/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the supervisor holds open for its children: the runtime directory with its lock, the command socket and the HTTP socket.
 */
#ifndef SUPERVISOR_SOCKETS_H
#define SUPERVISOR_SOCKETS_H

#include "common/why.h"

#include <stddef.h>
#include <stdint.h>

#define SUPERVISOR_LOCK "smd.lock"

/* Makes dir (0755) unless it is there, and locks it for this process: descriptor of the lock, which is held as long as that is open.
 * SM_EEXIST: another smd runs in it; SM_EINVAL: not a directory that only we can write; SM_ESYSTEM. */
int supervisor_sockets_lock(const char *dir, int *ret_fd, struct why *why);

/* Listens on the command socket (0600) in a directory that we have locked; a dead smd's socket is swept. */
int supervisor_sockets_command(const char *dir, int *ret_fd, struct why *why);

/* Listens on address (numeric) and port. ret_url holds url_bytes: "http://127.0.0.1:8801", with the port it really is. */
int supervisor_sockets_http(
        const char *address, int64_t port, int *ret_fd, char *ret_url, size_t url_bytes, struct why *why);

#endif
