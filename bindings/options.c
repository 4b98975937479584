/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The options of a container.
 */
#include "options.h"

#include "common/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TTL_LEAST_S 2
#define TTL_MOST_S 600

static int check_service(const char *value, struct why *why)
{
	return keys_check(KEYS_PART_ID, "service", value, why);
}

static int check_id(const char *value, struct why *why)
{
	return keys_check_address("id", value, true, why);
}

static int check_listen(const char *value, struct why *why)
{
	return keys_check_address("listen", value, true, why);
}

static int check_ttl(const char *value, struct why *why)
{
	char *end;

	errno = 0;
	long ttl = strtol(value, &end, 10);
	if (errno != 0 || *end != '\0' || end == value || ttl < TTL_LEAST_S || ttl > TTL_MOST_S)
		return why_set(why, SM_EINVAL, "ttl: \"%s\" is not a whole number of seconds from %d to %d", value,
		        TTL_LEAST_S, TTL_MOST_S);
	return 0;
}

static int check_endpoints(const char *value, struct why *why)
{
	size_t bytes = strlen(value);

	if (bytes == 0 || value[0] == ',' || value[bytes - 1] == ',' || strstr(value, ",,"))
		return why_set(why, SM_EINVAL,
		        "endpoints: \"%s\" has an empty part; give host:port, separated by commas", value);
	return 0;
}

static json_t *parse_labels(const char *value)
{
	json_t *labels = json_object();

	while (labels && *value) {
		size_t key_bytes = strcspn(value, "=,"), value_bytes = strcspn(value + key_bytes, ",");
		if (key_bytes == 0 || key_bytes > KEYS_ID_BYTES || value[key_bytes] != '=' || value_bytes < 1)
			goto bad;
		char key[KEYS_ID_BYTES + 1];
		memcpy(key, value, key_bytes);
		key[key_bytes] = '\0';
		json_t *text = json_stringn(value + key_bytes + 1, value_bytes - 1);
		if (!text || json_object_set_new(labels, key, text) != 0)
			goto bad;
		value += key_bytes + value_bytes;
		value += *value == ',';
	}
	return labels;
bad:
	json_decref(labels);
	return NULL;
}

static int check_labels(const char *value, struct why *why)
{
	json_t *labels = parse_labels(value);

	if (!labels)
		return why_set(why, SM_EINVAL, "labels: \"%s\" is not of the form key=value,key=value", value);
	json_decref(labels);
	return 0;
}

static const struct option {
	const char *name;
	int (*check)(const char *value, struct why *why);
	const char *fallback;
} table[OPTIONS_COUNT] = {
	[OPTIONS_SERVICE] = { "service", check_service, NULL },
	[OPTIONS_ID] = { "id", check_id, NULL },
	[OPTIONS_LISTEN] = { "listen", check_listen, NULL },
	[OPTIONS_ENDPOINTS] = { "endpoints", check_endpoints, "127.0.0.1:2379" },
	[OPTIONS_PREFIX] = { "prefix", keys_check_prefix, "/sm" },
	[OPTIONS_TTL] = { "ttl", check_ttl, "5" },
	[OPTIONS_LABELS] = { "labels", check_labels, "" },
	[OPTIONS_USERNAME] = { "username", NULL, NULL },
	[OPTIONS_PASSWORD] = { "password", NULL, NULL },
	[OPTIONS_CACERT] = { "cacert", NULL, NULL },
	[OPTIONS_CERT] = { "cert", NULL, NULL },
	[OPTIONS_KEY] = { "key", NULL, NULL },
};

struct sm_options *sm_options_new(void)
{
	return calloc(1, sizeof(struct sm_options));
}

void sm_options_free(struct sm_options *options)
{
	if (!options)
		return;
	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		free(options->values[i]);
	free(options);
}

static int unknown(struct why *why, const char *name)
{
	const char *names[OPTIONS_COUNT + 1] = { NULL };

	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		names[i] = table[i].name;
	const char *nearest = why_nearest(name, names);
	if (nearest)
		return why_set(why, SM_EINVAL, "there is no option \"%s\"; did you mean \"%s\"?", name, nearest);
	return why_set(why, SM_EINVAL, "there is no option \"%s\"", name);
}

int sm_options_set(struct sm_options *options, const char *name, const char *value)
{
	if (!name || !value)
		return why_set(&options->why, SM_EINVAL, "sm_options_set needs a name and a value");
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		int error = table[i].check ? table[i].check(value, &options->why) : 0;
		if (error)
			return error;
		char *copy = strdup(value);
		if (!copy)
			return why_set(&options->why, SM_ENOMEM, "out of memory");
		free(options->values[i]);
		options->values[i] = copy;
		return 0;
	}
	return unknown(&options->why, name);
}

const char *sm_options_error(const struct sm_options *options)
{
	return options->why.text;
}

const char *options_get(const struct sm_options *options, enum options_name name)
{
	return options->values[name] ? options->values[name] : table[name].fallback;
}

int options_check(struct sm_options *options)
{
	for (size_t i = OPTIONS_SERVICE; i <= OPTIONS_ID; i++) {
		if (!options->values[i])
			return why_set(&options->why, SM_EINVAL,
			        "the option \"%s\" is required: sm_options_set(options, \"%s\", …)", table[i].name,
			        table[i].name);
	}
	if (!options->values[OPTIONS_CERT] != !options->values[OPTIONS_KEY])
		return why_set(&options->why, SM_EINVAL, "the options \"cert\" and \"key\" go together");
	if (!options->values[OPTIONS_USERNAME] != !options->values[OPTIONS_PASSWORD])
		return why_set(&options->why, SM_EINVAL, "the options \"username\" and \"password\" go together");
	return 0;
}

unsigned options_ttl_s(const struct sm_options *options)
{
	return (unsigned)strtoul(options_get(options, OPTIONS_TTL), NULL, 10);
}

const char **options_endpoints(const struct sm_options *options, size_t *ret_count)
{
	const char *value = options_get(options, OPTIONS_ENDPOINTS);
	size_t count = 1, bytes = strlen(value) + 1;

	for (const char *at = value; *at; at++)
		count += *at == ',';
	const char **list = malloc((count + 1) * sizeof *list + bytes);
	if (!list)
		return NULL;
	char *text = memcpy(list + count + 1, value, bytes);
	for (size_t i = 0; i < count; i++)
		list[i] = strsep(&text, ",");
	list[count] = NULL;
	*ret_count = count;
	return list;
}

json_t *options_labels(const struct sm_options *options)
{
	return parse_labels(options_get(options, OPTIONS_LABELS));
}
