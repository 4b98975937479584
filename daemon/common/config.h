/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smd's configuration: YAML, one table of keys in config.c (name, type, default, range, one line of documentation). An unknown key, a wrong
 * type or a value out of range is an error with file, line, column and, for names, the nearest known one; all errors of a file are in one
 * why-text, one per line.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config {
	/* sm-go's four, required */
	char *service;    /* M: the manager's own service name */
	int64_t port;     /* of the HTTP front; 0 = any free port (ours) */
	char **endpoints; /* etcd's; NULL-terminated */
	size_t endpoint_count;
	char *etcd_prefix;
	/* ours, optional; YAML name in the comment */
	char *listen;  /* listen: address to bind, default 127.0.0.1 */
	bool insecure; /* insecure: allow an address that is not loopback, although there is no authentication yet */
	char *runtime_dir;          /* runtimeDir: the view and the command socket; default /run/shardmgr */
	char *log_level;            /* logLevel: debug, info, warning, error */
	int64_t max_connections;    /* maxConnections */
	int64_t max_header_bytes;   /* maxHeaderBytes */
	int64_t max_body_bytes;     /* maxBodyBytes */
	int64_t request_timeout_ms; /* requestTimeoutMs: whole request, first byte to last */
	int64_t container_timeout_ms; /* containerTimeoutMs: a container that does not take a request within this is asked again later */
	char *etcd_username, *etcd_password, *etcd_ca, *etcd_cert, *etcd_key; /* etcdUsername …; NULL = none */
	bool compat_get_del_spec;                                             /* compat: {getDelSpec: true} */
};

/* name: what to call the text in errors (the file's name). *ret_config is freed with config_free. */
int config_parse(const char *name, const char *text, size_t bytes, struct config **ret_config, struct why *why);
int config_read(const char *path, struct config **ret_config, char **ret_text,
        struct why *why); /* ret_text: the file's bytes, caller frees */
void config_free(struct config *config);
/* The table as people read it: name, type, default, meaning. */
void config_describe(FILE *out);

#endif
