/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Decoding of the gateway's JSON.
 */
#include "etcd_json.h"

#include "etcd_base64.h"
#include "shardmgr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

int etcd_json_int64(const json_t *object, const char *name, int64_t *ret_number)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	long long number = 0;

	if (text) {
		if (!is_digits(text + (*text == '-')))
			return SM_EPROTO;
		errno = 0;
		number = strtoll(text, NULL, 10);
		if (errno)
			return SM_EPROTO;
	} else if (json_is_integer(value)) {
		number = json_integer_value(value);
	} else if (value) {
		return SM_EPROTO;
	}
	*ret_number = number;
	return 0;
}

int etcd_json_uint64(const json_t *object, const char *name, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	unsigned long long number = 0;

	if (text) {
		if (!is_digits(text))
			return SM_EPROTO;
		errno = 0;
		number = strtoull(text, NULL, 10);
		if (errno)
			return SM_EPROTO;
	} else if (json_is_integer(value) && json_integer_value(value) >= 0) {
		number = (unsigned long long)json_integer_value(value);
	} else if (value) {
		return SM_EPROTO;
	}
	*ret_number = number;
	return 0;
}

int etcd_json_bool(const json_t *object, const char *name, bool *ret_bool)
{
	const json_t *value = json_object_get(object, name);

	if (value && !json_is_boolean(value))
		return SM_EPROTO;
	*ret_bool = json_is_true(value);
	return 0;
}

int etcd_json_array(const json_t *object, const char *name, const json_t **ret_array)
{
	const json_t *value = json_object_get(object, name);

	if (value && !json_is_array(value))
		return SM_EPROTO;
	*ret_array = value;
	return 0;
}

int etcd_json_object(const json_t *object, const char *name, const json_t **ret_object)
{
	const json_t *value = json_object_get(object, name);

	if (value && !json_is_object(value))
		return SM_EPROTO;
	*ret_object = value;
	return 0;
}

int etcd_json_header(const json_t *object, struct etcd_header *ret_header)
{
	const json_t *value = json_object_get(object, "header");
	struct etcd_header header;

	if (!json_is_object(value) || etcd_json_int64(value, "revision", &header.revision) ||
	        etcd_json_uint64(value, "raft_term", &header.raft_term) ||
	        etcd_json_uint64(value, "cluster_id", &header.cluster_id) ||
	        etcd_json_uint64(value, "member_id", &header.member_id) || header.revision <= 0)
		return SM_EPROTO;
	*ret_header = header;
	return 0;
}

static int decode_bytes(
        const json_t *object, const char *name, struct etcd_arena *arena, const char **ret_data, size_t *ret_bytes)
{
	const json_t *value = json_object_get(object, name);
	size_t encoded = json_string_length(value), bytes = 0;
	char *data;

	if (value && !json_is_string(value))
		return SM_EPROTO;
	data = etcd_arena_get_bytes(arena, encoded / 4 * 3 + 1);
	if (!data)
		return SM_ENOMEM;
	if (encoded && !etcd_base64_decode(json_string_value(value), encoded, data, &bytes))
		return SM_EPROTO;
	data[bytes] = '\0';
	*ret_data = data;
	*ret_bytes = bytes;
	return 0;
}

int etcd_json_kv(const json_t *object, struct etcd_arena *arena, struct etcd_kv *ret_kv)
{
	struct etcd_kv kv;
	int error;

	if (!json_is_object(object))
		return SM_EPROTO;
	error = decode_bytes(object, "key", arena, &kv.key, &kv.key_bytes);
	if (!error)
		error = decode_bytes(object, "value", arena, &kv.value, &kv.value_bytes);
	if (error)
		return error;
	if (etcd_json_int64(object, "create_revision", &kv.create_revision) ||
	        etcd_json_int64(object, "mod_revision", &kv.mod_revision) ||
	        etcd_json_int64(object, "version", &kv.version) || etcd_json_int64(object, "lease", &kv.lease) ||
	        kv.key_bytes == 0 || kv.mod_revision <= 0)
		return SM_EPROTO;
	*ret_kv = kv;
	return 0;
}

int etcd_json_kvs(const json_t *object, struct etcd_arena *arena, struct etcd_kv **ret_kvs, size_t *ret_count)
{
	const json_t *array;
	struct etcd_kv *kvs;
	size_t count, i;
	int error;

	if (etcd_json_array(object, "kvs", &array))
		return SM_EPROTO;
	count = json_array_size(array);
	kvs = etcd_arena_get(arena, count, sizeof(*kvs));
	if (!kvs)
		return SM_ENOMEM;
	for (i = 0; i < count; i++) {
		error = etcd_json_kv(json_array_get(array, i), arena, &kvs[i]);
		if (error)
			return error;
	}
	*ret_kvs = kvs;
	*ret_count = count;
	return 0;
}
