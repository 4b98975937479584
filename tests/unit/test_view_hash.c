/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Fingerprints of ids that differ little, as ids do: no more collisions than chance has, and places spread evenly.
 * Once, lengths undid differences of digits: s470081 and s47081 had one fingerprint under every seed.
 */
#include "view_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 100000u
#define SEEDS 3u

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Pairs that agree in 40 of their bits; chance has 0.005 of them. */
static unsigned near_collisions(uint64_t *fingerprints)
{
	unsigned count = 0;
	qsort(fingerprints, KEYS, sizeof(*fingerprints), compare);
	for (unsigned i = 1; i < KEYS; i++)
		count += fingerprints[i] >> 24 == fingerprints[i - 1] >> 24;
	return count;
}

/* Sum over all places of (keys there - 1)^2, per place; 1 by chance. */
static double unevenness(const uint64_t *fingerprints)
{
	unsigned char *places = calloc(KEYS, 1);
	double sum = 0;
	for (unsigned i = 0; i < KEYS; i++)
		places[view_hash_place(fingerprints[i], KEYS)]++;
	for (unsigned i = 0; i < KEYS; i++)
		sum += (places[i] - 1.0) * (places[i] - 1.0);
	free(places);
	return sum / KEYS;
}

static void check(uint64_t *fingerprints, const char *what)
{
	double uneven = unevenness(fingerprints);
	unsigned collisions = near_collisions(fingerprints);
	if (collisions > 5 || uneven > 1.1)
		fail_msg("%s: %u near collisions, unevenness %.2f", what, collisions, uneven);
}

static void test_ids(void **state)
{
	static const struct {
		const char *before;
		int digits;
		const char *after;
	} forms[] = { { "", 1, "" }, { "s", 1, "" }, { "shard-", 1, "" }, { "", 8, "" }, { "k-", 9, "" },
		{ "", 16, "" }, { "topic", 1, "/x" }, { "topic-", 8, "-part-0000" },
		{ "a-long-beginning-in-common-", 1, "" } };
	uint64_t *fingerprints = malloc(KEYS * sizeof(*fingerprints));
	(void)state;
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		for (uint64_t s = 0; s < SEEDS; s++) {
			uint64_t seed = (s + 1) * UINT64_C(0x9e3779b97f4a7c15);
			for (unsigned i = 0; i < KEYS; i++) {
				char id[64];
				size_t bytes = (size_t)snprintf(id, sizeof(id), "%s%0*u%s", forms[f].before,
				        forms[f].digits, i, forms[f].after);
				fingerprints[i] = view_hash(seed, "mirror", 6, id, bytes, 0);
			}
			check(fingerprints, forms[f].before);
		}
	}
	free(fingerprints);
}

/* Every part of a key counts, and where one string ends and the next begins. */
static void test_parts(void **state)
{
	uint64_t *fingerprints = malloc(KEYS * sizeof(*fingerprints));
	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		char id[32], service[32];
		size_t id_bytes = (size_t)snprintf(id, sizeof(id), "%u", i / 16 % 100);
		size_t service_bytes = (size_t)snprintf(service, sizeof(service), "%u", i / 1600);
		fingerprints[i] = view_hash(UINT64_C(0x9e3779b97f4a7c15), service, service_bytes, id, id_bytes, i % 16);
	}
	check(fingerprints, "services and replicas");
	free(fingerprints);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ids), cmocka_unit_test(test_parts) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
