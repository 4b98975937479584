/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * When the executor has to look at a shard again: a binary heap by time. An alarm is never taken back; whoever is woken looks whether
 * there still is something to do. Bounded: when it is full, the caller sets the ones that still count again.
 */
#ifndef EXECUTOR_ALARMS_H
#define EXECUTOR_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

struct executor_alarms {
	struct executor_alarm {
		uint64_t due_ms;
		uint32_t shard;
	} * heap;
	uint32_t count, room;
};

int executor_alarms_init(struct executor_alarms *alarms, uint32_t room); /* SM_ENOMEM */
void executor_alarms_done(struct executor_alarms *alarms);
void executor_alarms_clear(struct executor_alarms *alarms);
bool executor_alarms_full(const struct executor_alarms *alarms);
void executor_alarms_set(struct executor_alarms *alarms, uint64_t due_ms, uint32_t shard); /* assert: not full */
uint64_t executor_alarms_due_ms(const struct executor_alarms *alarms);                     /* UINT64_MAX: none */
/* Takes the first one out. False: none is due by now. */
bool executor_alarms_pop(struct executor_alarms *alarms, uint64_t now_ms, uint32_t *ret_shard);

#endif
