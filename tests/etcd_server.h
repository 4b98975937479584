/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A real etcd for C tests: one member or several, on free ports or on a UNIX socket, everything in a temporary directory. The members die
 * with the thread that started them.
 */
#ifndef ETCD_SERVER_H
#define ETCD_SERVER_H

#include <stddef.h>

#define ETCD_SERVER_TLS TESTS_SOURCE_DIR "/tls/"

struct etcd_server;

struct etcd_server_options {
	int members;     /* 1 (also when 0) to 5 */
	int unix_socket; /* one member only: listens on a socket instead of a port */
	int tls;         /* serves https with tests/tls/server.pem, and asks for certificates of tests/tls/ca.pem */
	const char *arguments[8]; /* for etcd's command line; NULL-terminated when fewer */
};

/* Starts the members and waits until they serve; options NULL = one member on a free port. NULL with the reason on stderr. */
struct etcd_server *etcd_server_start(const struct etcd_server_options *options);
/* Kills what runs and removes the directory; NULL is fine. */
void etcd_server_stop(struct etcd_server *server);

/* One endpoint per member, as struct etcd_config takes them, and ending with NULL. */
const char *const *etcd_server_endpoints(const struct etcd_server *server);
size_t etcd_server_members(const struct etcd_server *server);

void etcd_server_kill(struct etcd_server *server, size_t member);      /* SIGKILL, and waits */
void etcd_server_terminate(struct etcd_server *server, size_t member); /* SIGTERM, and waits */
void etcd_server_freeze(struct etcd_server *server, size_t member);    /* SIGSTOP */
void etcd_server_thaw(struct etcd_server *server, size_t member);      /* SIGCONT */
/* Starts one that was killed again, with its data and its address, and waits until it serves. 0 or -1. */
int etcd_server_restart(struct etcd_server *server, size_t member);

/* POSTs JSON to the member and returns the answer's body, malloc'ed; NULL when there was none. ret_status may be NULL. */
char *etcd_server_post(struct etcd_server *server, size_t member, const char *path, const char *json, long *ret_status);
/* From now on with the token of this user; NULL: without. */
void etcd_server_authenticate(struct etcd_server *server, const char *username, const char *password);
/* The member that leads now, as this member knows it; -1 when it knows none. */
int etcd_server_leader(struct etcd_server *server, size_t member);

#endif
