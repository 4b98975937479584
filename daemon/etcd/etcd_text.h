/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A growing text, used to write JSON for the gateway and to gather what comes back. Running out of memory is kept in failed; everything
 * after that does nothing.
 */
#ifndef ETCD_TEXT_H
#define ETCD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etcd_text { /* all zero = empty */
	char *data;
	size_t bytes, room;
	bool failed;
};

void etcd_text_add(struct etcd_text *text, const char *terminated);
void etcd_text_add_bytes(struct etcd_text *text, const void *data, size_t bytes);
/* The three forms that the gateway wants: a 64-bit number as a quoted decimal, bytes as quoted base64, a string with JSON's escapes. */
void etcd_text_add_number(struct etcd_text *text, int64_t number);
void etcd_text_add_base64(struct etcd_text *text, const void *data, size_t bytes);
void etcd_text_add_string(struct etcd_text *text, const char *utf8);
/* Drops the first bytes. */
void etcd_text_consume(struct etcd_text *text, size_t bytes);
void etcd_text_done(struct etcd_text *text); /* empty again */

#endif
