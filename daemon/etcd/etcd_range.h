/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * How ranges of keys are written for etcd, for all who ask for them.
 */
#ifndef ETCD_RANGE_H
#define ETCD_RANGE_H

#include "etcd_text.h"

/* "key":…,"range_end":… for everything under prefix from the key `from` on (from_bytes 0: from the prefix itself). */
void etcd_range_add_prefix(struct etcd_text *text, const char *prefix, const char *from, size_t from_bytes);

#endif
