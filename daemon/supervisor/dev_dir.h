/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The private directory of one "smd dev": made, shared by a lock, removed; and those of dead ones swept.
 *
 *     $TMPDIR/smd-dev-XXXXXX/   0700
 *         dev.lock              the mark of our directories; everyone who needs the directory holds a shared lock on it
 *         client:1 peer:1       etcd's sockets
 *         data/                 etcd's, unless --persist
 *         etcd.log
 *         run/                  smd's runtime directory
 */
#ifndef DEV_DIR_H
#define DEV_DIR_H

#include "common/why.h"

#include <stddef.h>

#define DEV_DIR_BYTES 87 /* of the path, NUL included: a UNIX socket's has 108, and /run/command.sock goes behind */
#define DEV_DIR_ETCD_SOCKET "client:1"

/* Makes one and takes the shared lock. ret_dir holds DEV_DIR_BYTES. SM_EINVAL: TMPDIR is too long; SM_ESYSTEM. */
int dev_dir_make(char *ret_dir, int *ret_lock_fd, struct why *why);
/* Takes the shared lock of one that exists. SM_ENOENT, SM_ESYSTEM. */
int dev_dir_join(const char *dir, int *ret_lock_fd, struct why *why);
/* Removes it with everything in it, the mark last, and waits up to timeout_ms for those who still make files in it. 0 or SM_ESYSTEM. */
int dev_dir_remove(const char *dir, int timeout_ms);
/* Removes those that nobody has locked. */
void dev_dir_sweep(void);

#endif
