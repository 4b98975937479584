/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What every child of the supervisor does the same way. A child is smd run again with --role=NAME, with fresh memory and these descriptors:
 *
 *     3  link to the supervisor          <- {"type":"config","name":"sample.yml","text":"service: …"}   first message, always
 *                                        -> {"type":"ready"}   once it serves        -> {"type":"beat"}   every second after that
 *                                        -> {"type":"fatal","text":…}  before it ends for a reason that people should read
 *     4  listening socket                sync: the command socket (command.h); http: TCP
 *     5  bell of the balancer (eventfd)  sync writes, balancer reads
 *     6  bell of http (eventfd)          sync writes, http reads
 *
 * End of file on 3 means that the supervisor is gone: end at once. SIGTERM means: finish what is under way (at most 5 s), then end with 0.
 */
#ifndef ROLE_H
#define ROLE_H

#include "config.h"

#include <event2/event.h>

enum { ROLE_FD_PARENT = 3, ROLE_FD_LISTEN = 4, ROLE_FD_BELL_BALANCER = 5, ROLE_FD_BELL_HTTP = 6 };

struct role {
	const char *name; /* "sync", "balancer", "http" */
	struct event_base *base;
	struct config *config;
	/* called on SIGTERM, once; ends the loop with event_base_loopbreak when done. NULL: the loop ends at once */
	void (*stop)(void *arg);
	void *arg;
	struct role_private *private;
};

/* Log, config from the supervisor, loop, signals; sets name, base and config, and leaves stop and arg for the caller to set. Ends the
 * process with a message when it cannot. */
void role_init(struct role *role, const char *name);
void role_ready(struct role *role);
/* Runs the loop until stopped; returns the exit status. */
int role_run(struct role *role);
void role_done(struct role *role);
/* Ends the process for a reason that people should read: in the log, and in the supervisor's status. */
_Noreturn void role_fatal(struct role *role, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The role mains; each in the folder of its name. */
int sync_main(void);
int balancer_main(void);
int http_main(void);

#endif
