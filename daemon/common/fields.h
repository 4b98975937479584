/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A struct as a table of JSON fields: what records.c is made of. Absent fields and null are zero or "", unknown ones are ignored.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include "why.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type { FIELD_TEXT, FIELD_INT64, FIELD_UINT32, FIELD_BOOL };

/* A table ends with a field without name. */
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	bool optional; /* not printed when zero */
	int64_t min, max;
};
#define FIELD_ANY_INT64 INT64_MIN, INT64_MAX

/* record is zeroed by the caller, and zero again on failure: SM_EPROTO with the field's name, SM_ENOMEM. Texts are malloc'ed. */
int fields_parse(const struct field *fields, const json_t *object, void *record, struct why *why);
/* Frees the texts. */
void fields_done(const struct field *fields, void *record);
/* New reference; NULL when out of memory or when a text is not UTF-8. A text that is NULL is printed as "". */
json_t *fields_to_json(const struct field *fields, const void *record);

#endif
