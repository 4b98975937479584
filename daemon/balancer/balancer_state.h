/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * All services of the view except the manager's own, kept in step with it in O(changes): the change ring says which claims and shards
 * changed, each service's configuration version says the rest.
 */
#ifndef BALANCER_STATE_H
#define BALANCER_STATE_H

#include "balancer_service.h"

struct balancer_state;

struct balancer_state *balancer_state_new(struct view *view, uint64_t seed); /* the view is borrowed */
void balancer_state_free(struct balancer_state *state);
/* Takes in what changed since the last call: claims at once; services whose containers, shards or spec changed are marked stale. */
void balancer_state_follow(struct balancer_state *state, uint64_t now_ms);

uint32_t balancer_state_count(const struct balancer_state *state);
struct balancer_service *balancer_state_get(const struct balancer_state *state, uint32_t index);
/* As balancer_service_read; the shards are found by row from then on. */
bool balancer_state_read(struct balancer_state *state, struct balancer_service *service, uint64_t now_ms);

#endif
