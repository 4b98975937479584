/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Fingerprints of keys: 64 bits, seeded by the segment. Multiply-and-fold on 8-byte reads, like wyhash and its kin. Inline because a
 * lookup is little else.
 */
#ifndef VIEW_HASH_H
#define VIEW_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Tests compile with fewer (high) bits to meet collisions. */
#ifndef VIEW_FINGERPRINT_MASK
#define VIEW_FINGERPRINT_MASK UINT64_MAX
#endif

/* Every byte has its high bit set: no text in ASCII cancels them out, and so none makes a factor 0 whatever the seed. */
#define VIEW_HASH_A UINT64_C(0xa0bed1f5e7c395d3)
#define VIEW_HASH_B UINT64_C(0xd6e8b1c993afe58b)
#define VIEW_HASH_C UINT64_C(0x9fc1e3a7b5d98de7)

static inline uint64_t view_hash_fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t view_hash_read8(const char *p)
{
	uint64_t word;
	memcpy(&word, p, 8);
	return word;
}

static inline uint32_t view_hash_read4(const char *p)
{
	uint32_t word;
	memcpy(&word, p, 4);
	return word;
}

static inline uint64_t view_hash_bytes(uint64_t seed, const char *p, size_t bytes)
{
	uint64_t a = 0, b = 0;
	seed += bytes;
	if (bytes >= 8) {
		size_t left = bytes;
		for (; left > 16; left -= 16, p += 16)
			seed = view_hash_fold(view_hash_read8(p) ^ VIEW_HASH_A, view_hash_read8(p + 8) ^ seed);
		/* the last 16 bytes, overlapping what was read; of fewer than 16 the first and the last 8 */
		a = view_hash_read8(bytes >= 16 ? p + left - 16 : p);
		b = view_hash_read8(p + left - 8);
	} else if (bytes >= 4) {
		a = view_hash_read4(p);
		b = view_hash_read4(p + bytes - 4);
	} else if (bytes) {
		a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[bytes / 2] << 8 |
		    (unsigned char)p[bytes - 1];
	}
	return view_hash_fold(a ^ VIEW_HASH_B, b ^ seed);
}

/* The fingerprint of a key, which is two strings and a number; never 0, which is an empty slot. */
static inline uint64_t view_hash(
        uint64_t seed, const char *first, size_t first_bytes, const char *second, size_t second_bytes, uint64_t number)
{
	uint64_t hash = view_hash_bytes(seed, first, first_bytes);
	hash = view_hash_bytes(hash ^ VIEW_HASH_C, second, second_bytes);
	hash = view_hash_fold(hash ^ VIEW_HASH_A, number ^ seed ^ VIEW_HASH_B) & VIEW_FINGERPRINT_MASK;
	return hash + !hash;
}

/* Where the probing begins. */
static inline uint32_t view_hash_place(uint64_t fingerprint, uint32_t slot_count)
{
	return (uint32_t)((fingerprint >> 32) * slot_count >> 32);
}

#endif
