/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The addresses of etcd's members, and which of them is asked now: the first until it fails, then the next, round and round.
 */
#ifndef ETCD_ENDPOINTS_H
#define ETCD_ENDPOINTS_H

#include "../common/why.h"

#include <stdbool.h>
#include <stddef.h>

struct etcd_endpoint {
	char *name;        /* as given, for people */
	char *url;         /* scheme://host:port, nothing behind it */
	char *socket_path; /* NULL = TCP */
};

struct etcd_endpoints {
	struct etcd_endpoint *list;
	size_t count, current;
};

/* secure: host:port without a scheme means https. SM_EINVAL with the endpoint and what is wrong with it. */
int etcd_endpoints_init(
        struct etcd_endpoints *endpoints, const char *const *texts, size_t count, bool secure, struct why *why);
void etcd_endpoints_done(struct etcd_endpoints *endpoints);
/* This one failed. Late news about one that was left already changes nothing. */
void etcd_endpoints_failed(struct etcd_endpoints *endpoints, size_t endpoint);

#endif
