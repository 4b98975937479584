/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Ranges: the end of a prefix, and the get of one key.
 */
#include "etcd_range.h"

#include "etcd_client.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

void etcd_prefix_end(const char *prefix, char *ret_end)
{
	size_t bytes = strlen(prefix);

	while (bytes > 0 && (unsigned char)prefix[bytes - 1] == 0xff)
		bytes--;
	memcpy(ret_end, prefix, bytes);
	if (bytes > 0)
		ret_end[bytes - 1]++;
	ret_end[bytes] = '\0';
}

void etcd_range_add_prefix(struct etcd_text *text, const char *prefix, const char *from, size_t from_bytes)
{
	char *end = strdup(prefix);

	if (!end) {
		text->failed = true;
		return;
	}
	etcd_prefix_end(prefix, end);
	if (from_bytes == 0) {
		from = prefix;
		from_bytes = strlen(prefix);
	}
	/* A single zero byte is etcd's way to say "from the first key", and as an end "to the last". */
	etcd_text_add(text, "\"key\":");
	etcd_text_add_base64(text, from, from_bytes ? from_bytes : 1);
	etcd_text_add(text, ",\"range_end\":");
	etcd_text_add_base64(text, end, *end ? strlen(end) : 1);
	free(end);
}

/* ---- get ---- */

struct get {
	struct etcd_call call;
	etcd_range_fn *user;
	void *arg;
	struct etcd_arena arena;
	struct etcd_range_result result;
};

static int get_decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct get *get = (struct get *)call;
	struct etcd_kv *kvs = NULL;
	int error;

	if (etcd_json_header(answer, &get->result.header))
		return why_set(why, SM_EPROTO, "etcd's answer to a range has no proper header");
	error = etcd_json_kvs(answer, &get->arena, &kvs, &get->result.count);
	if (error)
		return why_set(why, error, "etcd's answer to a range has a key-value pair that makes no sense");
	get->result.kvs = kvs;
	return 0;
}

static void get_finish(struct etcd_call *call, int error, const char *why)
{
	struct get *get = (struct get *)call;

	get->user(get->arg, error, why, error ? NULL : &get->result);
}

static void get_done(struct etcd_call *call)
{
	etcd_arena_done(&((struct get *)call)->arena);
}

static const struct etcd_call_kind get_kind = { "/v3/kv/range", ETCD_CALL_REPEAT, get_decode, get_finish, get_done };

struct etcd_call *etcd_get(struct etcd *etcd, const char *key, etcd_range_fn *done, void *arg)
{
	struct get *get = (struct get *)etcd_call_new(etcd_client_calls(etcd), &get_kind, sizeof(*get));

	if (!get)
		return NULL;
	get->user = done;
	get->arg = arg;
	etcd_text_add(&get->call.body, "{\"key\":");
	etcd_text_add_base64(&get->call.body, key, strlen(key));
	etcd_text_add(&get->call.body, "}");
	return etcd_call_submit(&get->call);
}
