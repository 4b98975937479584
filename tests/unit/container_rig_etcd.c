/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the tests read and write in etcd, past the library.
 */
#include "container_rig.h"

#include "etcd/etcd_base64.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *ask(struct rig *rig, const char *path, json_t *request)
{
	char *text = json_dumps(request, 0);
	char *answer = etcd_server_post(rig->etcd, 0, path, text, NULL);
	json_t *json = answer ? json_loads(answer, 0, NULL) : NULL;

	json_decref(request);
	free(text);
	free(answer);
	assert_non_null(json);
	return json;
}

static json_t *encoded(const char *text)
{
	char buffer[4096];
	size_t bytes = strlen(text);

	etcd_base64_encode(text, bytes, buffer);
	return json_stringn(buffer, etcd_base64_encoded_bytes(bytes));
}

void rig_put(struct rig *rig, const char *key, const char *value)
{
	json_decref(ask(rig, "/v3/kv/put", json_pack("{s:o,s:o}", "key", encoded(key), "value", encoded(value))));
}

void rig_delete(struct rig *rig, const char *key)
{
	json_decref(ask(rig, "/v3/kv/deleterange", json_pack("{s:o}", "key", encoded(key))));
}

static json_t *range(struct rig *rig, const char *key, bool prefix)
{
	json_t *request = json_pack("{s:o}", "key", encoded(key));

	if (prefix) {
		char end[512];
		snprintf(end, sizeof end, "%s", key);
		end[strlen(end) - 1]++;
		json_object_set_new(request, "range_end", encoded(end));
	}
	return ask(rig, "/v3/kv/range", request);
}

static long long number(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? atoll(text) : 0;
}

static const json_t *kv(const json_t *answer, size_t i)
{
	return json_array_get(json_object_get(answer, "kvs"), i);
}

char *rig_get(struct rig *rig, const char *key)
{
	json_t *answer = range(rig, key, false);
	const char *value = json_string_value(json_object_get(kv(answer, 0), "value"));
	char *text = NULL;
	size_t bytes = 0;

	if (kv(answer, 0)) {
		text = calloc(1, value ? strlen(value) + 1 : 1);
		assert_true(!value || etcd_base64_decode(value, strlen(value), text, &bytes));
		text[bytes] = '\0';
	}
	json_decref(answer);
	return text;
}

size_t rig_count(struct rig *rig, const char *prefix)
{
	json_t *answer = range(rig, prefix, true);
	size_t count = json_array_size(json_object_get(answer, "kvs"));

	json_decref(answer);
	return count;
}

long long rig_revision(struct rig *rig)
{
	json_t *answer = range(rig, "/none", false);
	long long revision = number(json_object_get(answer, "header"), "revision");

	json_decref(answer);
	return revision;
}

long long rig_mod_revision(struct rig *rig, const char *key)
{
	json_t *answer = range(rig, key, false);
	long long revision = number(kv(answer, 0), "mod_revision");

	json_decref(answer);
	return revision;
}

static json_t *sessions(struct rig *rig, const char *id)
{
	char prefix[256];

	snprintf(prefix, sizeof prefix, "/sm/app/" RIG_SERVICE "/containerhb/%s/", id);
	return range(rig, prefix, true);
}

long long rig_incarnation(struct rig *rig, const char *id)
{
	json_t *answer = sessions(rig, id);
	long long oldest = 0;

	for (size_t i = 0; kv(answer, i); i++) {
		long long created = number(kv(answer, i), "create_revision");
		if (oldest == 0 || created < oldest)
			oldest = created;
	}
	json_decref(answer);
	return oldest;
}

void rig_revoke(struct rig *rig, const char *id)
{
	json_t *answer = sessions(rig, id);

	for (size_t i = 0; kv(answer, i); i++)
		json_decref(ask(rig, "/v3/lease/revoke",
		        json_pack("{s:s}", "ID", json_string_value(json_object_get(kv(answer, i), "lease")))));
	json_decref(answer);
}
