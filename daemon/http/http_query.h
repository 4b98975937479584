/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Percent-encoding and query strings, strictly: what cannot be decoded without loss is refused with its place. No I/O.
 */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include "common/why.h"

#include <stdbool.h>
#include <stddef.h>

/* Decodes text into ret_text (room bytes, terminated), '+' as space when plus_is_space. SM_EINVAL: "%" without two hex digits, %00, or
 * no room. */
int http_query_decode(const char *text, size_t bytes, bool plus_is_space, char *ret_text, size_t room, struct why *why);

/* The value of key in a query string ("a=1&b=2", NULL is fine) into ret_value (value_bytes, terminated). 0; SM_ENOENT when it is not
 * there; SM_EINVAL when it is there twice, does not decode, or does not fit. Other keys are not looked at. */
int http_query_get(const char *query, const char *key, char *ret_value, size_t value_bytes, struct why *why);

#endif
