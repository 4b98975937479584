/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Base64 as RFC 4648 section 4 has it: the standard alphabet, padded. etcd up to 3.5 takes no other form.
 */
#ifndef ETCD_BASE64_H
#define ETCD_BASE64_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t etcd_base64_encoded_bytes(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}
/* Writes etcd_base64_encoded_bytes(bytes); not terminated. */
void etcd_base64_encode(const void *data, size_t bytes, char *ret_text);
/* Writes at most text_bytes / 4 * 3. false: not base64 (a wrong character, a missing pad, bits behind the end). */
bool etcd_base64_decode(const char *text, size_t text_bytes, void *ret_data, size_t *ret_bytes);

#endif
