/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Error texts, and the nearest of the known names.
 */
#include "why.h"

#include <stdio.h>
#include <string.h>

#define NEAREST_BYTES 64 /* longer names are not compared */

int why_set(struct why *why, int error, const char *format, ...)
{
	struct why text; /* WHY: an argument may point into why->text */
	va_list args;

	if (why == NULL)
		return error;
	va_start(args, format);
	if (vsnprintf(text.text, sizeof(text.text), format, args) < 0)
		text.text[0] = '\0';
	va_end(args);
	memcpy(why->text, text.text, strlen(text.text) + 1);
	return error;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours cost 1 each. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	size_t rows[3][NEAREST_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *free_row;

	for (size_t j = 0; j <= b_bytes; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_bytes; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_bytes; j++) {
			size_t differs = a[i - 1] != b[j - 1];

			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			        before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[b_bytes];
}

const char *why_nearest(const char *name, const char *const *names)
{
	size_t name_bytes = strlen(name), best = name_bytes / 3 + 2;
	const char *nearest = NULL;

	if (name_bytes == 0 || name_bytes > NEAREST_BYTES)
		return NULL;
	for (; *names != NULL; names++) {
		size_t bytes = strlen(*names), d;

		if (bytes > NEAREST_BYTES)
			continue;
		d = distance(name, name_bytes, *names, bytes);
		if (d < best && d < bytes) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}
