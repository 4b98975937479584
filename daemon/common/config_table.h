/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The keys of the configuration, once. For config.c alone.
 */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config.h"

enum config_type { CONFIG_TEXT, CONFIG_INTEGER, CONFIG_BOOLEAN, CONFIG_TEXTS };

struct config_key {
	const char *name; /* a dot stands between a group and its key */
	enum config_type type;
	size_t offset;        /* in struct config; of CONFIG_TEXTS the list, its count is endpoint_count */
	const char *fallback; /* default; NULL: none, and for a required key an error */
	bool required;
	int64_t min, max;
	int (*check)(const char *text, struct why *why); /* of a text, and of each in a list; NULL = any */
	const char *example, *doc;
};

/* Ends with a key without name. */
extern const struct config_key config_table[];

/* Rules over several keys. ret_key: the name of the one to point at. */
int config_table_check_whole(const struct config *config, const char **ret_key, struct why *why);

#endif
