/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Options as one table: name, how a value is checked, default.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "common/why.h"
#include "shardmgr.h"

#include <jansson.h>
#include <stddef.h>

enum options_name {
	OPTIONS_SERVICE,
	OPTIONS_ID,
	OPTIONS_LISTEN,
	OPTIONS_ENDPOINTS,
	OPTIONS_PREFIX,
	OPTIONS_TTL,
	OPTIONS_LABELS,
	OPTIONS_USERNAME,
	OPTIONS_PASSWORD,
	OPTIONS_CACERT,
	OPTIONS_CERT,
	OPTIONS_KEY,
	OPTIONS_COUNT
};

struct sm_options {
	char *values[OPTIONS_COUNT]; /* NULL: not set */
	struct why why;
};

/* The value, its default, or NULL where there is none. */
const char *options_get(const struct sm_options *options, enum options_name name);

/* Everything that is required is there. SM_EINVAL with options->why. */
int options_check(struct sm_options *options);

unsigned options_ttl_s(const struct sm_options *options);

/* endpoints as a NULL-terminated list of texts in one allocation; the caller frees it. NULL when out of memory. */
const char **options_endpoints(const struct sm_options *options, size_t *ret_count);

/* labels as a new object; NULL when there are none or out of memory. */
json_t *options_labels(const struct sm_options *options);

#endif
