/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * SipHash-2-4-128.
 */
#include "hash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void rounds(struct state *s, int count)
{
	while (count-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void compress(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static struct state begin(const struct hash_key *key)
{
	return (struct state){
		.v0 = key->word[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->word[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		.v2 = key->word[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->word[1] ^ UINT64_C(0x7465646279746573),
	};
}

static struct hash finish(struct state *s, const unsigned char *tail, size_t tail_bytes, size_t bytes)
{
	uint64_t last = 0;
	struct hash hash;

	memcpy(&last, tail, tail_bytes);
	compress(s, le64toh(last) | (uint64_t)bytes << 56);
	s->v2 ^= 0xee;
	rounds(s, 4);
	hash.word[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	rounds(s, 4);
	hash.word[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	return hash;
}

struct hash hash_bytes(const struct hash_key *key, const void *data, size_t bytes)
{
	struct state s = begin(key);
	const unsigned char *at = data, *end = at + bytes / 8 * 8;

	for (; at < end; at += 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		compress(&s, le64toh(word));
	}
	return finish(&s, end, bytes % 8, bytes);
}

struct hash hash_shard(const struct hash_key *key, const char *shard, uint32_t replica)
{
	struct hash_key of_replica = { { key->word[0] ^ replica, key->word[1] } };

	return hash_bytes(&of_replica, shard, strlen(shard));
}
