/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The I/O thread of one container: its loop, and the life of its session.
 *
 *     registering -> open -> ended -> registering …     a session comes, ends, and (when every shard of it is settled) the next comes
 *     any -> leaving -> stopped                         stop or close: when nothing is claimed any more the session is revoked
 *     registering -> failed                             the id is taken
 */
#ifndef CONTAINER_IO_H
#define CONTAINER_IO_H

#include "container_held.h"
#include "container_mailbox.h"
#include "options.h"

struct container_io;

/* Makes everything, with id as the container's name and fd as its listening socket (taken over, also on failure), and starts the thread.
 * held and mailbox are borrowed; options are not needed afterwards. SM_EINVAL, SM_ENOMEM, SM_ESYSTEM with options->why. */
int container_io_start(struct sm_options *options, const char *id, int fd, struct container_held *held,
        struct container_mailbox *mailbox, struct container_io **ret_io);

/* Waits for the thread, which ends after container_mailbox_close, and frees everything. */
void container_io_join(struct container_io *io);

#endif
