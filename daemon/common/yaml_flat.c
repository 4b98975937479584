/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * libyaml's events, taken one by one: the tree is at most two deep, so each level is a function.
 */
#include "yaml_flat.h"

#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ENTRIES 1000 /* most keys */

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	const char *name, *text;
	size_t bytes;
	struct yaml_flat flat;
	struct why *why;
};

static int refuse(struct reader *reader, yaml_mark_t mark, const char *text)
{
	return why_set(reader->why, SM_EINVAL, "%s:%zu:%zu: %s", reader->name, mark.line + 1, mark.column + 1, text);
}

static yaml_mark_t mark_at(const struct reader *reader, size_t offset)
{
	yaml_mark_t mark = { 0 };

	for (size_t i = 0; i < offset && i < reader->bytes; i++) {
		bool newline = reader->text[i] == '\n';

		mark.line += newline;
		mark.column = newline ? 0 : mark.column + 1;
	}
	return mark;
}

static int syntax_error(struct reader *reader)
{
	const yaml_parser_t *p = &reader->parser;
	const char *advice = "";
	char text[256];

	if (p->error == YAML_MEMORY_ERROR)
		return why_set(reader->why, SM_ENOMEM, "out of memory");
	if (p->error == YAML_READER_ERROR) {
		snprintf(text, sizeof(text), "%s; the file must be UTF-8 text", p->problem);
		return refuse(reader, mark_at(reader, p->problem_offset), text);
	}
	if (p->problem_mark.index < reader->bytes && reader->text[p->problem_mark.index] == '\t')
		advice = "; indent with spaces, YAML takes no tabs there";
	snprintf(text, sizeof(text), "%s%s%s%s", p->context != NULL ? p->context : "", p->context != NULL ? ": " : "",
	        p->problem != NULL ? p->problem : "not YAML", advice);
	return refuse(reader, p->problem_mark, text);
}

static int next(struct reader *reader)
{
	const char *tag, *anchor;

	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return syntax_error(reader);
	tag = anchor = NULL;
	switch (reader->event.type) {
	case YAML_ALIAS_EVENT:
		return refuse(reader, reader->event.start_mark, "aliases are not supported; write the value itself");
	case YAML_SCALAR_EVENT:
		tag = (const char *)reader->event.data.scalar.tag;
		anchor = (const char *)reader->event.data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		tag = (const char *)reader->event.data.sequence_start.tag;
		anchor = (const char *)reader->event.data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		tag = (const char *)reader->event.data.mapping_start.tag;
		anchor = (const char *)reader->event.data.mapping_start.anchor;
		break;
	default:
		break;
	}
	if (tag != NULL)
		return refuse(reader, reader->event.start_mark, "tags are not supported; leave it out");
	if (anchor != NULL)
		return refuse(reader, reader->event.start_mark, "anchors are not supported; leave it out");
	return 0;
}

static int no_memory(struct reader *reader)
{
	return why_set(reader->why, SM_ENOMEM, "out of memory");
}

static int add_value(struct reader *reader, struct yaml_flat_entry *entry)
{
	const yaml_event_t *event = &reader->event;
	struct yaml_flat_value *values = realloc(entry->values, (entry->count + 1) * sizeof(*values));
	const char *text = (const char *)event->data.scalar.value;

	if (values == NULL)
		return no_memory(reader);
	entry->values = values;
	if (strlen(text) != event->data.scalar.length)
		return refuse(reader, event->start_mark, "a text must not contain NUL");
	values[entry->count] = (struct yaml_flat_value){ .text = strdup(text),
		.quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
		.line = event->start_mark.line + 1,
		.column = event->start_mark.column + 1 };
	return values[entry->count++].text == NULL ? no_memory(reader) : 0;
}

/* The event at hand is a key. *ret_entry is valid until the next entry is added. */
static int add_entry(struct reader *reader, const char *parent, struct yaml_flat_entry **ret_entry)
{
	yaml_mark_t mark = reader->event.start_mark;
	struct yaml_flat_entry *entries;
	const char *key;
	char path[256];

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, mark, "a key must be a plain name");
	key = (const char *)reader->event.data.scalar.value;
	if (key[0] == '\0' || strlen(key) != reader->event.data.scalar.length || strpbrk(key, ".\n") != NULL ||
	        strlen(key) > 100)
		return refuse(reader, mark, "this is not a name that a key can have");
	snprintf(path, sizeof(path), "%s%s%s", parent, parent[0] != '\0' ? "." : "", key);
	for (size_t i = 0; i < reader->flat.count; i++) {
		if (strcmp(reader->flat.entries[i].path, path) == 0) {
			char text[384];

			snprintf(text, sizeof(text), "key \"%s\" is here a second time, first in line %zu; remove one",
			        path, reader->flat.entries[i].line);
			return refuse(reader, mark, text);
		}
	}
	if (reader->flat.count == ENTRIES)
		return refuse(reader, mark, "too many keys");
	entries = realloc(reader->flat.entries, (reader->flat.count + 1) * sizeof(*entries));
	if (entries == NULL)
		return no_memory(reader);
	reader->flat.entries = entries;
	entries[reader->flat.count] =
	        (struct yaml_flat_entry){ .path = strdup(path), .line = mark.line + 1, .column = mark.column + 1 };
	*ret_entry = &entries[reader->flat.count++];
	return (*ret_entry)->path == NULL ? no_memory(reader) : 0;
}

static int read_list(struct reader *reader, struct yaml_flat_entry *entry)
{
	int error;

	entry->is_list = true;
	for (;;) {
		error = next(reader);
		if (error != 0 || reader->event.type == YAML_SEQUENCE_END_EVENT)
			return error;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return refuse(reader, reader->event.start_mark, "a list may have only texts in it");
		error = add_value(reader, entry);
		if (error != 0)
			return error;
	}
}

/* A text or a list. */
static int read_value(struct reader *reader, struct yaml_flat_entry *entry)
{
	if (reader->event.type == YAML_SCALAR_EVENT)
		return add_value(reader, entry);
	if (reader->event.type == YAML_SEQUENCE_START_EVENT)
		return read_list(reader, entry);
	return refuse(reader, reader->event.start_mark, "mappings may be two deep at most");
}

static int read_top_value(struct reader *reader, struct yaml_flat_entry *entry)
{
	char parent[128];
	int error = 0;

	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return read_value(reader, entry);
	snprintf(parent, sizeof(parent), "%s", entry->path);
	for (;;) {
		error = next(reader);
		if (error != 0 || reader->event.type == YAML_MAPPING_END_EVENT)
			return error;
		error = add_entry(reader, parent, &entry);
		if (error == 0)
			error = next(reader);
		if (error == 0)
			error = read_value(reader, entry);
		if (error != 0)
			return error;
	}
}

static int read_top(struct reader *reader)
{
	struct yaml_flat_entry *entry;
	int error;

	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, reader->event.start_mark, "this must be keys with values, as in \"port: 8801\"");
	for (;;) {
		error = next(reader);
		if (error != 0 || reader->event.type == YAML_MAPPING_END_EVENT)
			return error;
		error = add_entry(reader, "", &entry);
		if (error == 0)
			error = next(reader);
		if (error == 0)
			error = read_top_value(reader, entry);
		if (error != 0)
			return error;
	}
}

static int read_stream(struct reader *reader)
{
	int error = next(reader); /* the start of the stream */

	if (error == 0)
		error = next(reader);
	if (error != 0 || reader->event.type == YAML_STREAM_END_EVENT)
		return error;
	error = next(reader);
	if (error == 0 && reader->event.type == YAML_SCALAR_EVENT && reader->event.data.scalar.length == 0)
		error = 0; /* "---" and nothing behind it */
	else if (error == 0)
		error = read_top(reader);
	if (error == 0)
		error = next(reader); /* the end of the document */
	if (error == 0)
		error = next(reader);
	if (error == 0 && reader->event.type != YAML_STREAM_END_EVENT)
		error = refuse(reader, reader->event.start_mark, "only one document is taken; remove this one");
	return error;
}

int yaml_flat_parse(const char *name, const char *text, size_t bytes, struct yaml_flat *ret_flat, struct why *why)
{
	struct reader reader = { .name = name, .text = text, .bytes = bytes, .why = why };
	int error;

	if (!yaml_parser_initialize(&reader.parser))
		return no_memory(&reader);
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* some editors begin files so */
		reader.text = text += 3;
		reader.bytes = bytes -= 3;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, bytes);
	error = read_stream(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (error == 0)
		*ret_flat = reader.flat;
	else
		yaml_flat_done(&reader.flat);
	return error;
}

void yaml_flat_done(struct yaml_flat *flat)
{
	for (size_t i = 0; i < flat->count; i++) {
		struct yaml_flat_entry *entry = &flat->entries[i];

		for (size_t j = 0; j < entry->count; j++)
			free(entry->values[j].text);
		free(entry->values);
		free(entry->path);
	}
	free(flat->entries);
	*flat = (struct yaml_flat){ 0 };
}
