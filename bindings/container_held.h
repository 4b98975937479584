/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What sm_shard_held reads: which shards this process may act for, and until when. Readers take no lock and make no system call.
 *
 *   who writes   the I/O thread (deadline, end, set); a thread that acknowledges a drop clears its slot. Writers exclude each other
 *                by a mutex that readers never touch.
 *   deadline     two words, one per clock; each only grows while an incarnation lasts, so a reader that sees one old and one new word
 *                is only more careful. The epoch word changes when the session ends; a reader that sees it change answers 0.
 *   slots        128-bit fingerprint (keyed hash of shard and replica), token, and a sequence that grows when a slot gets another
 *                fingerprint; a reader that sees it change answers 0, which was true at some moment of its call.
 *   growth       a table twice as large is filled and published; the old ones stay until free, and together are smaller than it.
 *   fork         the page with deadline and table pointer is wiped in a child, where everything is 0 from the first instant.
 */
#ifndef CONTAINER_HELD_H
#define CONTAINER_HELD_H

#include "common/clocks.h"
#include "hash.h"

#include <stdbool.h>

struct container_held;

/* SM_ENOMEM, SM_ESYSTEM. */
int container_held_new(struct container_held **ret_held);
void container_held_free(struct container_held *held);

/* In a child of the process that made it. One load. */
bool container_held_forked(const struct container_held *held);

struct hash container_held_key(const struct container_held *held, const char *shard, uint32_t replica);

/* The token if it is set and now is before the deadline, else 0. */
uint64_t container_held_get(const struct container_held *held, const char *shard, uint32_t replica);

/* token 0 clears. SM_ENOMEM (never for 0): nothing has changed. */
int container_held_set(struct container_held *held, const struct hash *key, uint64_t token);

/* A proof: later than the one before. */
void container_held_extend(struct container_held *held, struct clocks deadline);

/* All memory of its tables, the old ones included. */
size_t container_held_bytes(const struct container_held *held);

/* The session has ended: everything is 0 at once and stays so until it is set anew. */
void container_held_end(struct container_held *held);

#endif
