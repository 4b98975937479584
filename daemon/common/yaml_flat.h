/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A YAML mapping as a flat list: {compat: {getDelSpec: true}} is an entry "compat" without values and an entry "compat.getDelSpec". Only what a configuration
 * needs: texts, lists of texts, and mappings of them, two deep. Everything else that YAML can do (aliases, tags, several documents, other
 * encodings than UTF-8, a key twice) is refused with its place.
 */
#ifndef YAML_FLAT_H
#define YAML_FLAT_H

#include "why.h"

#include <stdbool.h>
#include <stddef.h>

struct yaml_flat_value {
	char *text;
	bool quoted; /* so that "" and "null" are texts */
	size_t line, column;
};

struct yaml_flat_entry {
	char *path;
	size_t line, column; /* of the key */
	bool is_list;
	struct yaml_flat_value *values; /* of a text one, of a mapping none */
	size_t count;
};

struct yaml_flat {
	struct yaml_flat_entry *entries;
	size_t count;
};

/* name: what to call the text in errors, which begin with "name:line:column: ". SM_EINVAL, SM_ENOMEM. An empty text has no entries. */
int yaml_flat_parse(const char *name, const char *text, size_t bytes, struct yaml_flat *ret_flat, struct why *why);
void yaml_flat_done(struct yaml_flat *flat);

#endif
