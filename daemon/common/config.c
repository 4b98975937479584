/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * From the entries of a YAML file, by the table, to a struct config. All errors of a file are collected, one per line.
 */
#include "config.h"

#include "config_table.h"
#include "shardmgr.h"
#include "yaml_flat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS 32                    /* not fewer than are in the table */
#define FILE_BYTES (1024u * 1024u) /* longest file */

struct reading {
	const char *name;
	struct config *config;
	const struct yaml_flat_entry *given[KEYS]; /* by place in the table */
	struct why *why;
	size_t errors, unsaid;
};

/* ---- errors ---- */

/* Adds a line; the last ones are only counted when they do not fit any more. */
static void add_error(struct reading *reading, size_t line, size_t column, const char *key, const char *text)
{
	struct why said = *reading->why, one;
	size_t used = reading->errors == 0 ? 0 : strlen(said.text);
	const char *colon = ": ";

	if (strncmp(text, key, strlen(key)) == 0)
		key = colon = ""; /* the text says it itself */
	if (line > 0)
		why_set(&one, 0, "%s:%zu:%zu: %s%s%s", reading->name, line, column, key, colon, text);
	else
		why_set(&one, 0, "%s: %s%s%s", reading->name, key, colon, text);
	if (used + strlen(one.text) + sizeof("\n… and 1000 more") > sizeof(said.text))
		reading->unsaid++;
	else if (used == 0)
		*reading->why = one;
	else
		why_set(reading->why, 0, "%s\n%s", said.text, one.text);
	reading->errors++;
}

static void add_value_error(
        struct reading *reading, const struct config_key *key, const struct yaml_flat_value *value, const char *text)
{
	add_error(reading, value->line, value->column, key->name, text);
}

/* ---- values ---- */

static void *member(struct config *config, const struct config_key *key)
{
	return (char *)config + key->offset;
}

static bool is_null(const struct yaml_flat_value *value)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (!value->quoted && strcmp(value->text, nulls[i]) == 0)
			return true;
	return false;
}

static int parse_text(const struct config_key *key, const char *text, char **ret_text, struct why *why)
{
	int error = key->check != NULL ? key->check(text, why) : 0;

	if (error != 0)
		return error;
	*ret_text = strdup(text);
	return *ret_text == NULL ? why_set(why, SM_ENOMEM, "out of memory") : 0;
}

static int parse_integer(const struct config_key *key, const char *text, int64_t *ret_integer, struct why *why)
{
	const char *digits = text + (text[0] == '-');
	long long n;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0' ||
	        (digits[0] == '0' && digits[1] != '\0'))
		return why_set(why, SM_EINVAL, "\"%.40s\" is not a decimal number, as in %s", text, key->example);
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0 || n < key->min || n > key->max)
		return why_set(why, SM_EINVAL, "%.40s is out of range; %lld to %lld are allowed", text,
		        (long long)key->min, (long long)key->max);
	*ret_integer = n;
	return 0;
}

static int parse_boolean(const char *text, bool *ret_boolean, struct why *why)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return why_set(why, SM_EINVAL, "\"%.40s\" is neither true nor false", text);
	*ret_boolean = text[0] == 't';
	return 0;
}

static int parse_scalar(const struct config_key *key, const char *text, void *ret_value, struct why *why)
{
	switch (key->type) {
	case CONFIG_INTEGER:
		return parse_integer(key, text, ret_value, why);
	case CONFIG_BOOLEAN:
		return parse_boolean(text, ret_value, why);
	default:
		return parse_text(key, text, ret_value, why);
	}
}

static const char *type_text(enum config_type type)
{
	static const char *const texts[] = { "a text", "a number", "true or false", "a list of texts" };

	return texts[type];
}

/* ---- entries ---- */

static void read_texts(struct reading *reading, const struct config_key *key, const struct yaml_flat_entry *entry)
{
	struct config *config = reading->config;
	struct why why;

	config->endpoints = calloc(entry->count + 1, sizeof(char *));
	if (config->endpoints == NULL) {
		add_error(reading, entry->line, entry->column, key->name, "out of memory");
		return;
	}
	if (entry->count == 0)
		add_error(
		        reading, entry->line, entry->column, key->name, "the list is empty; give it one text at least");
	for (size_t i = 0; i < entry->count; i++) {
		if (parse_text(key, entry->values[i].text, &config->endpoints[config->endpoint_count], &why) == 0)
			config->endpoint_count++;
		else
			add_value_error(reading, key, &entry->values[i], why.text);
	}
}

static void read_entry(struct reading *reading, const struct config_key *key, const struct yaml_flat_entry *entry)
{
	const struct yaml_flat_value *value = entry->values;
	struct why why;

	if (entry->is_list != (key->type == CONFIG_TEXTS) || (!entry->is_list && entry->count == 0)) {
		why_set(&why, 0, "this must be %s, as in \"%s: %s\"", type_text(key->type), key->name, key->example);
		add_error(reading, entry->line, entry->column, key->name, why.text);
	} else if (key->type == CONFIG_TEXTS) {
		read_texts(reading, key, entry);
	} else if (is_null(value)) {
		why_set(&why, 0, "it has no value; write %s, as in \"%s: %s\"", type_text(key->type), key->name,
		        key->example);
		add_error(reading, entry->line, entry->column, key->name, why.text);
	} else if (key->type != CONFIG_TEXT && value->quoted) {
		why_set(&why, 0, "this must be %s, without quotes", type_text(key->type));
		add_value_error(reading, key, value, why.text);
	} else if (parse_scalar(key, value->text, member(reading->config, key), &why) != 0) {
		add_value_error(reading, key, value, why.text);
	}
}

static bool is_group(const char *path)
{
	size_t bytes = strlen(path);

	for (const struct config_key *key = config_table; key->name != NULL; key++)
		if (strncmp(key->name, path, bytes) == 0 && key->name[bytes] == '.')
			return true;
	return false;
}

static void refuse_unknown(struct reading *reading, const struct yaml_flat_entry *entry)
{
	const char *names[KEYS + 1] = { 0 }, *nearest;
	struct why why;

	for (size_t i = 0; config_table[i].name != NULL; i++)
		names[i] = config_table[i].name;
	nearest = why_nearest(entry->path, names);
	if (nearest != NULL)
		why_set(&why, 0, "unknown key \"%s\"; did you mean \"%s\"?", entry->path, nearest);
	else
		why_set(&why, 0, "unknown key \"%s\"; \"smd --help\" lists them all", entry->path);
	add_error(reading, entry->line, entry->column, "", why.text);
}

/* A key that is a mapping where a text belongs was refused already; its keys need no errors of their own. */
static bool is_inside_known(const char *path)
{
	const char *dot = strchr(path, '.');

	for (const struct config_key *key = config_table; dot != NULL && key->name != NULL; key++)
		if (strlen(key->name) == (size_t)(dot - path) && strncmp(key->name, path, (size_t)(dot - path)) == 0)
			return true;
	return false;
}

static void read_entries(struct reading *reading, const struct yaml_flat *flat)
{
	for (size_t i = 0; i < flat->count; i++) {
		const struct yaml_flat_entry *entry = &flat->entries[i];
		size_t k = 0;

		while (config_table[k].name != NULL && strcmp(config_table[k].name, entry->path) != 0)
			k++;
		if (config_table[k].name != NULL) {
			reading->given[k] = entry;
			read_entry(reading, &config_table[k], entry);
		} else if (is_group(entry->path) && (entry->is_list || entry->count > 0)) {
			add_error(reading, entry->line, entry->column, entry->path,
			        "this must be keys with values, indented");
		} else if (!is_group(entry->path) && !is_inside_known(entry->path)) {
			refuse_unknown(reading, entry);
		}
	}
}

static void fill_absent(struct reading *reading)
{
	struct why why;

	for (size_t k = 0; config_table[k].name != NULL; k++) {
		const struct config_key *key = &config_table[k];

		if (reading->given[k] != NULL)
			continue;
		if (key->required) {
			why_set(&why, 0, "key \"%s\" is missing (%s); add, for example, \"%s: %s\"", key->name,
			        key->doc, key->name, key->example);
			add_error(reading, 0, 0, "", why.text);
		} else if (key->fallback != NULL &&
		           parse_scalar(key, key->fallback, member(reading->config, key), &why) != 0) {
			add_error(reading, 0, 0, key->name, why.text);
		}
	}
}

static void check_whole(struct reading *reading)
{
	const char *name;
	struct why why;

	if (config_table_check_whole(reading->config, &name, &why) == 0)
		return;
	for (size_t k = 0; config_table[k].name != NULL; k++)
		if (strcmp(config_table[k].name, name) == 0 && reading->given[k] != NULL)
			add_error(reading, reading->given[k]->line, reading->given[k]->column, name, why.text);
}

int config_parse(const char *name, const char *text, size_t bytes, struct config **ret_config, struct why *why)
{
	struct why own;
	struct reading reading = { .name = name, .why = why != NULL ? why : &own };
	struct yaml_flat flat;
	int error = yaml_flat_parse(name, text, bytes, &flat, why);

	if (error != 0)
		return error;
	reading.config = calloc(1, sizeof(*reading.config));
	if (reading.config == NULL) {
		yaml_flat_done(&flat);
		return why_set(why, SM_ENOMEM, "out of memory");
	}
	read_entries(&reading, &flat);
	fill_absent(&reading);
	if (reading.errors == 0)
		check_whole(&reading);
	yaml_flat_done(&flat);
	if (reading.errors == 0) {
		*ret_config = reading.config;
		return 0;
	}
	if (reading.unsaid > 0)
		why_set(reading.why, 0, "%s\n… and %zu more", reading.why->text, reading.unsaid);
	config_free(reading.config);
	return SM_EINVAL;
}

static int read_all(int fd, char *text, size_t max, size_t *ret_bytes)
{
	size_t used = 0;

	while (used < max) {
		ssize_t n = read(fd, text + used, max - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	*ret_bytes = used;
	return 0;
}

int config_read(const char *path, struct config **ret_config, char **ret_text, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	char *text = malloc(FILE_BYTES + 1);
	size_t bytes = 0;

	if (text == NULL)
		error = why_set(why, SM_ENOMEM, "out of memory");
	else if (fd < 0 || read_all(fd, text, FILE_BYTES + 1, &bytes) < 0)
		error = why_set(why, SM_ESYSTEM, "%s: %s; give the path of a readable file", path, strerror(errno));
	else if (bytes > FILE_BYTES)
		error = why_set(why, SM_EINVAL, "%s: longer than %u bytes; this is no configuration", path, FILE_BYTES);
	if (error == 0)
		error = config_parse(path, text, bytes, ret_config, why);
	if (error == 0)
		text[bytes] = '\0';
	if (error == 0 && ret_text != NULL)
		*ret_text = text;
	else
		free(text);
	if (fd >= 0)
		close(fd);
	return error;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (const struct config_key *key = config_table; key->name != NULL; key++)
		if (key->type == CONFIG_TEXT)
			free(*(char **)member(config, key));
	for (size_t i = 0; i < config->endpoint_count; i++)
		free(config->endpoints[i]);
	free(config->endpoints);
	free(config);
}

void config_describe(FILE *out)
{
	for (const struct config_key *key = config_table; key->name != NULL; key++)
		fprintf(out, "  %-19s %-15s %-14s %s\n", key->name, type_text(key->type),
		        key->required           ? "required"
		        : key->fallback != NULL ? key->fallback
		                                : "none",
		        key->doc);
}
