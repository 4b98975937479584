/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The container's listening socket, from an address as people write it.
 */
#ifndef CONTAINER_LISTEN_H
#define CONTAINER_LISTEN_H

#include "common/why.h"

/* Binds host:port or [v6]:port (port 0: any free one) and listens, non-blocking. The caller closes *ret_fd. SM_EINVAL: no such host;
 * SM_ESYSTEM; both with why. */
int container_listen(const char *address, int *ret_fd, unsigned *ret_port, struct why *why);

/* id with port in place of a port 0; ret_id holds KEYS_ID_BYTES + 1. */
int container_listen_id(const char *id, unsigned port, char *ret_id, struct why *why);

#endif
