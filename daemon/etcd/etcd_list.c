/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * All keys of a prefix in pages, all at the revision of the first page.
 */
#include "etcd_client.h"
#include "etcd_range.h"
#include "shardmgr.h"

#include <stdlib.h>
#include <string.h>

/* etcd limits pages by keys only; the size of the keys seen so far tells how many make up a page of this many bytes. */
#define PAGE_BYTES (4u * 1024u * 1024u)
#define FIRST_PAGE 500u
#define LEAST_PAGE 16u
#define MOST_PAGE 10000u

struct list {
	struct etcd_call call;
	etcd_list_page_fn *page;
	etcd_list_done_fn *user;
	void *arg;
	char *prefix;
	int64_t revision; /* 0 until the first page has come */
	size_t limit;
	struct etcd_text from; /* the first key of the next page */
	size_t keys, bytes;    /* seen so far */
	/* This page: */
	struct etcd_arena arena;
	struct etcd_kv *kvs;
	size_t count;
	bool more;
};

static void write_request(struct list *list)
{
	struct etcd_text *body = &list->call.body;

	etcd_text_done(body);
	etcd_text_add(body, "{");
	etcd_range_add_prefix(body, list->prefix, list->from.data, list->from.bytes);
	etcd_text_add(body, ",\"limit\":");
	etcd_text_add_number(body, (int64_t)list->limit);
	if (list->revision > 0) {
		etcd_text_add(body, ",\"revision\":");
		etcd_text_add_number(body, list->revision);
	}
	etcd_text_add(body, "}");
	body->failed = body->failed || list->from.failed;
}

/* Less, equal or more than 0, as etcd orders keys. */
static int compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

	return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* In order, under the prefix, not before the start of this page: otherwise the pages would never end, or overlap. */
static bool is_page_sane(const struct list *list)
{
	size_t prefix_bytes = strlen(list->prefix), before_bytes = list->from.bytes;
	const char *before = list->from.data;

	for (size_t i = 0; i < list->count; i++) {
		const struct etcd_kv *kv = &list->kvs[i];
		int order = before_bytes ? compare(kv->key, kv->key_bytes, before, before_bytes) : 1;

		if (order < 0 || (i > 0 && order == 0) || kv->key_bytes < prefix_bytes ||
		        memcmp(kv->key, list->prefix, prefix_bytes) != 0)
			return false;
		before = kv->key;
		before_bytes = kv->key_bytes;
	}
	return list->count > 0 || !list->more;
}

static int decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct list *list = (struct list *)call;
	struct etcd_header header;
	int error;

	etcd_arena_done(&list->arena);
	if (etcd_json_header(answer, &header) || etcd_json_bool(answer, "more", &list->more))
		return why_set(why, SM_EPROTO, "etcd's answer to a range has no proper header");
	error = etcd_json_kvs(answer, &list->arena, &list->kvs, &list->count);
	if (error)
		return why_set(why, error, "etcd's answer to a range has a key-value pair that makes no sense");
	if (!is_page_sane(list))
		return why_set(why, SM_EPROTO, "etcd's answer to a range has keys that were not asked for");
	if (list->revision == 0)
		list->revision = header.revision;
	return 0;
}

static void plan_next_page(struct list *list)
{
	const struct etcd_kv *last = &list->kvs[list->count - 1];
	size_t fitting;

	for (size_t i = 0; i < list->count; i++)
		list->bytes += list->kvs[i].key_bytes + list->kvs[i].value_bytes + 100;
	list->keys += list->count;
	fitting = PAGE_BYTES / (list->bytes / list->keys);
	list->limit = fitting < LEAST_PAGE ? LEAST_PAGE : fitting > MOST_PAGE ? MOST_PAGE : fitting;
	etcd_text_done(&list->from);
	etcd_text_add_bytes(&list->from, last->key, last->key_bytes);
	etcd_text_add_bytes(&list->from, "", 1);
}

static void finish(struct etcd_call *call, int error, const char *why)
{
	struct list *list = (struct list *)call;

	if (!error && list->count > 0)
		list->page(list->arg, list->revision, list->kvs, list->count);
	if (etcd_call_is_cancelled(call))
		return;
	if (!error && list->more) {
		plan_next_page(list);
		write_request(list);
		etcd_call_again(call);
		return;
	}
	list->user(list->arg, error, why, error ? 0 : list->revision);
}

static void done(struct etcd_call *call)
{
	struct list *list = (struct list *)call;

	etcd_arena_done(&list->arena);
	etcd_text_done(&list->from);
	free(list->prefix);
}

static const struct etcd_call_kind kind = { "/v3/kv/range", ETCD_CALL_REPEAT, decode, finish, done };

struct etcd_call *etcd_list(struct etcd *etcd, const char *prefix, int64_t revision, etcd_list_page_fn *page,
        etcd_list_done_fn *user, void *arg)
{
	struct list *list = (struct list *)etcd_call_new(etcd_client_calls(etcd), &kind, sizeof(*list));

	if (!list)
		return NULL;
	list->page = page;
	list->user = user;
	list->arg = arg;
	list->limit = FIRST_PAGE;
	list->revision = revision;
	list->prefix = strdup(prefix);
	if (!list->prefix)
		return etcd_call_reject(&list->call, SM_ENOMEM, "out of memory");
	if (revision < 0)
		return etcd_call_reject(&list->call, SM_EINVAL, "a list at a negative revision");
	write_request(list);
	return etcd_call_submit(&list->call);
}
