/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The client as its kinds of requests see it: the parts that they share, and the list of what must end with it.
 */
#ifndef ETCD_CLIENT_H
#define ETCD_CLIENT_H

#include "etcd_call.h"

struct etcd_calls *etcd_client_calls(const struct etcd *etcd);
struct etcd_parts *etcd_client_parts(struct etcd *etcd);

/* For what lives beside the unary calls and ends with the client. */
struct etcd_client_guest {
	void (*end)(struct etcd_client_guest *guest); /* the client is being freed: free the guest, calling nobody */
	TAILQ_ENTRY(etcd_client_guest) next;
};
void etcd_client_enter(struct etcd *etcd, struct etcd_client_guest *guest);
void etcd_client_leave(struct etcd *etcd, struct etcd_client_guest *guest);

#endif
