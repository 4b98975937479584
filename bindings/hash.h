/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * SipHash-2-4 with a 128-bit result (Aumasson and Bernstein, 2012): a keyed hash, so that nobody outside can choose ids that collide.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t word[2];
};
struct hash {
	uint64_t word[2];
};

struct hash hash_bytes(const struct hash_key *key, const void *data, size_t bytes);

/* Of a shard's replica. */
struct hash hash_shard(const struct hash_key *key, const char *shard, uint32_t replica);

#endif
