/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Role "etcd" of dev mode: keeps a private etcd as its child, and cleans up behind a supervisor that was killed. The link on
 * descriptor 3, besides what is in common/role.h (and no bells, no listening socket):
 *
 *     <- {"type":"config","dir":"","persist":""}    dir "": make one; persist "": etcd's data goes with the directory
 *     -> {"type":"dir","dir":"/tmp/smd-dev-…"}      at once, before etcd starts
 *
 * When etcd ends it ends, too, and leaves the directory; the supervisor starts it again in the same one. End of file on 3:
 * it kills etcd, removes the directory, ends.
 */
#ifndef DEV_KEEPER_H
#define DEV_KEEPER_H

int dev_keeper_main(void);

#endif
