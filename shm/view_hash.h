/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Fingerprints of keys: 64 bits, under the segment's seed, which is 64 random bits (a small number would not do). Multiply-and-fold on
 * 8-byte reads, like wyhash and its kin. Inline because a lookup is little else.
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

#define VIEW_HASH_LENGTH UINT64_C(0x9fc1e3a7b5d98de7)
#define VIEW_HASH_NUMBER UINT64_C(0xd6e8b1c993afe58b)

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

/* One string into a state. The seed is in one factor of every product, so what makes a factor 0, or two keys collide, depends on it. */
static inline uint64_t view_hash_bytes(uint64_t seed, uint64_t state, const char *p, size_t bytes)
{
	const char *end = p + bytes;
	uint64_t a = 0, b = 0;
	state += bytes * VIEW_HASH_LENGTH; /* spread, because the bytes alone could undo a difference in the low bits */
	if (bytes > 16) {
		do {
			state = view_hash_fold(view_hash_read8(p) ^ seed, view_hash_read8(p + 8) ^ state);
			p += 16;
		} while (end - p > 16);
		a = view_hash_read8(end - 16); /* may overlap what was read */
		b = view_hash_read8(end - 8);
	} else if (bytes >= 8) {
		a = view_hash_read8(p);
		b = view_hash_read8(end - 8);
	} else if (bytes >= 4) {
		a = view_hash_read4(p);
		b = view_hash_read4(end - 4);
	} else if (bytes) {
		a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[bytes / 2] << 8 |
		    (unsigned char)p[bytes - 1];
	}
	return view_hash_fold(a ^ seed, b ^ state);
}

/* The fingerprint of a key, which is two strings and a number; never 0, which is an empty slot. */
static inline uint64_t view_hash(
        uint64_t seed, const char *first, size_t first_bytes, const char *second, size_t second_bytes, uint64_t number)
{
	uint64_t hash = view_hash_bytes(seed, (seed ^ number) * VIEW_HASH_NUMBER, first, first_bytes);
	hash = view_hash_bytes(seed, hash, second, second_bytes);
	/* one product alone leaves short ids that differ in a digit too near to each other */
	hash = view_hash_fold(hash ^ seed, VIEW_HASH_NUMBER) & VIEW_FINGERPRINT_MASK;
	return hash + !hash;
}

/* Where the probing begins. */
static inline uint32_t view_hash_place(uint64_t fingerprint, uint32_t slot_count)
{
	return (uint32_t)((fingerprint >> 32) * slot_count >> 32);
}

#endif
