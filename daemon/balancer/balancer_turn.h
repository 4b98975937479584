/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One turn of the balancer: follow the view, plan what has to be planned, send what is ready. All state hangs here; the role's main
 * only says when.
 */
#ifndef BALANCER_TURN_H
#define BALANCER_TURN_H

#include "view_reader.h"

#include <event2/event.h>

struct balancer_turn;

/* The view is borrowed. timeout_ms: containerTimeoutMs. wake(arg): take a turn soon; it may only take note. SM_ENOMEM. */
int balancer_turn_new(struct event_base *base, struct view *view, uint32_t timeout_ms, void (*wake)(void *arg),
        void *arg, struct balancer_turn **ret_turn);
void balancer_turn_free(struct balancer_turn *turn);
/* In how many ms another turn is due, if nothing wakes it before. */
uint64_t balancer_turn_take(struct balancer_turn *turn);

#endif
