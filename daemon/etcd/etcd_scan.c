/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Finds the ends of JSON objects in a stream.
 */
#include "etcd_scan.h"

#include <string.h>

/* Inside a string: where to go on. Most of a message is base64, so this is where the time goes. */
static size_t skip_string(struct etcd_scan *scan, const char *data, size_t at, size_t bytes)
{
	for (; at < bytes; at++) {
		if (scan->escaped)
			scan->escaped = false;
		else if (data[at] == '\\')
			scan->escaped = true;
		else if (data[at] == '"') {
			scan->in_string = false;
			return at + 1;
		}
	}
	return at;
}

/* Outside of strings: whether an object ends with this character. */
static bool ends_with(struct etcd_scan *scan, char character)
{
	switch (character) {
	case '"':
		scan->in_string = true;
		return scan->depth == 0;
	case '{':
	case '[':
		scan->depth++;
		return false;
	case '}':
	case ']':
		return scan->depth == 0 || --scan->depth == 0;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return false;
	default:
		return scan->depth == 0;
	}
}

size_t etcd_scan_next(struct etcd_scan *scan, const char *data, size_t bytes)
{
	size_t at = scan->at;

	while (at < bytes) {
		if (scan->in_string) {
			at = skip_string(scan, data, at, bytes);
		} else if (ends_with(scan, data[at++])) {
			*scan = (struct etcd_scan){ 0 };
			return at;
		}
	}
	scan->at = at;
	return 0;
}
