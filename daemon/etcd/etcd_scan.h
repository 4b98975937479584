/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Finds the ends of JSON objects in a stream that comes in pieces. Objects stand one after the other, with or without white space between
 * them: etcd ends some of its messages with a newline and some not.
 */
#ifndef ETCD_SCAN_H
#define ETCD_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct etcd_scan { /* all zero = before an object */
	size_t at; /* so much has been looked at */
	unsigned depth;
	bool in_string, escaped;
};

/* data: the unread part of the stream, at least what was there the last time. Returns the bytes up to and with the end of the first
 * object, after which it starts anew; 0: not there yet. A character that cannot stand between objects counts as the end of one: that
 * text will not parse. */
size_t etcd_scan_next(struct etcd_scan *scan, const char *data, size_t bytes);

#endif
