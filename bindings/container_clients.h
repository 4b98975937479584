/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container's etcd clients: renewals and their proofs on connections of their own, everything else on a third.
 */
#ifndef CONTAINER_CLIENTS_H
#define CONTAINER_CLIENTS_H

#include "etcd/etcd.h"
#include "options.h"

struct container_clients {
	struct etcd *work, *keepalives, *proofs;
};

/* SM_EINVAL, SM_ENOMEM, with options->why; what was opened until then is left for container_clients_close. */
int container_clients_open(struct event_base *base, struct sm_options *options, struct container_clients *ret_clients);
void container_clients_close(struct container_clients *clients);

#endif
