/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Tables for people and JSON for programs, on stdout.
 */
#ifndef SMCTL_PRINT_H
#define SMCTL_PRINT_H

#include <jansson.h>

/* Columns as wide as their widest cell. Cells are strings, integers or booleans (yes, no). */
struct smctl_table;

/* heads: NULL-terminated, kept. NULL: out of memory; the other functions take that. */
struct smctl_table *smctl_table_new(const char *const *heads);
void smctl_table_add(struct smctl_table *table, json_t *row); /* an array, one cell per column; takes it over */
void smctl_table_print(struct smctl_table *table);            /* and frees it */

void smctl_print_json(const json_t *value);

#endif
