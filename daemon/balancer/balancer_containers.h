/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The containers of one service that take orders (alive, ours), as a dense array in the order of their ids.
 */
#ifndef BALANCER_CONTAINERS_H
#define BALANCER_CONTAINERS_H

#include "view_reader.h"

#define BALANCER_CONTAINERS_NONE UINT32_MAX

struct balancer_container {
	char *id;
	uint32_t view_number;
	int64_t incarnation;
	/* the requests to it (balancer_dispatch.h); carried over by balancer_containers_match */
	uint32_t requests; /* under way */
	uint32_t untaken;  /* of these: not answered with a status yet */
};
struct balancer_containers {
	struct balancer_container *items;
	uint32_t count;
	uint32_t *by_view_number; /* indexes of items, in the order of their view numbers */
};

void balancer_containers_read(const struct view *view, uint32_t service, struct balancer_containers *ret_containers);
void balancer_containers_done(struct balancer_containers *containers);
uint32_t balancer_containers_find(const struct balancer_containers *containers, const char *id);
uint32_t balancer_containers_by_view_number(const struct balancer_containers *containers, uint32_t view_number);
/* What became of the containers that were: ret_is[old] = the new index, or NONE; ret_anew[old]: it has another incarnation. True:
 * something changed. */
bool balancer_containers_match(
        const struct balancer_containers *were, struct balancer_containers *are, uint32_t *ret_is, bool *ret_anew);

#endif
