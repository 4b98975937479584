/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One child process with its link: started, listened to, signalled, reaped. Logs what happens to it.
 */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include "supervisor_spawn.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct supervisor_process {
	const char *role;
	struct event_base *base;
	void (*ready)(void *arg, struct supervisor_process *process);
	void *arg;
	/* the rest is the process's own */
	pid_t pid; /* 0 = does not run */
	struct link *link;
	uint64_t beat_ms; /* CLOCK_BOOTTIME of the last message, or of the start */
	char fatal[256];  /* why the last one ended or could not start, "" unknown */
};

/* config: the first message, borrowed; NULL = out of memory. SM_ESYSTEM, SM_ENOMEM: nothing runs. */
int supervisor_process_start(
        struct supervisor_process *process, const struct supervisor_spawn *spawn, json_t *config, struct why *why);
/* Takes over one that runs already. */
void supervisor_process_adopt(struct supervisor_process *process, pid_t pid, int link_fd);
/* Nothing when it does not run. */
void supervisor_process_signal(const struct supervisor_process *process, int signal_number);
/* True when it has ended since. wanted: it was told to. */
bool supervisor_process_reap(struct supervisor_process *process, bool wanted);
bool supervisor_process_beats(const struct supervisor_process *process);
void supervisor_process_done(struct supervisor_process *process);

#endif
