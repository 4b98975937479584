/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "smctl_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 8

struct smctl_table {
	const char *const *heads;
	json_t *rows;
	size_t columns, widths[COLUMNS];
};

struct cell {
	char number[24];
};

static const char *cell_text(const json_t *value, struct cell *cell)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	snprintf(cell->number, sizeof(cell->number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return cell->number;
}

/* In characters of UTF-8, so that columns line up. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

struct smctl_table *smctl_table_new(const char *const *heads)
{
	struct smctl_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->heads = heads;
	table->rows = json_array();
	for (; table->columns < COLUMNS && heads[table->columns] != NULL; table->columns++)
		table->widths[table->columns] = width_of(heads[table->columns]);
	return table;
}

void smctl_table_add(struct smctl_table *table, json_t *row)
{
	struct cell cell;

	if (table == NULL) {
		json_decref(row);
		return;
	}
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = width_of(cell_text(json_array_get(row, i), &cell));

		if (width > table->widths[i])
			table->widths[i] = width;
	}
	json_array_append_new(table->rows, row);
}

static void print_cell(const struct smctl_table *table, size_t column, const char *text)
{
	/* The last column has nothing behind it to line up. */
	int pad = column + 1 == table->columns ? 0 : (int)(table->widths[column] - width_of(text)) + 2;

	/* Control characters in names of the store could move the terminal's cursor. */
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
	printf("%*s", pad, "");
}

void smctl_table_print(struct smctl_table *table)
{
	struct cell cell;

	if (table == NULL)
		return;
	for (size_t i = 0; i < table->columns; i++)
		print_cell(table, i, table->heads[i]);
	putchar('\n');
	for (size_t r = 0; r < json_array_size(table->rows); r++) {
		for (size_t i = 0; i < table->columns; i++)
			print_cell(table, i, cell_text(json_array_get(json_array_get(table->rows, r), i), &cell));
		putchar('\n');
	}
	json_decref(table->rows);
	free(table);
}

void smctl_print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}
