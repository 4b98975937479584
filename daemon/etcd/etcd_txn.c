/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Building transactions. The JSON is written as it comes: a nested transaction is copied once into each transaction around it.
 */
#include "etcd_txn.h"

#include "etcd_range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More than etcd's own encoding puts around the keys and values of one compare or operation. */
#define OVERHEAD_BYTES 40u

struct etcd_txn *etcd_txn_new(void)
{
	return calloc(1, sizeof(struct etcd_txn));
}

void etcd_txn_free(struct etcd_txn *txn)
{
	if (!txn)
		return;
	for (int b = 0; b < 2; b++) {
		for (size_t i = 0; i < txn->branches[b].count; i++)
			etcd_txn_free(txn->branches[b].ops[i].nested);
		free(txn->branches[b].ops);
		etcd_text_done(&txn->branches[b].text);
	}
	etcd_text_done(&txn->compares);
	free(txn);
}

size_t etcd_txn_bytes(const struct etcd_txn *txn)
{
	return txn ? txn->bytes : 0;
}

size_t etcd_txn_operations(const struct etcd_txn *txn)
{
	size_t longest = txn->compare_count;

	for (int b = 0; b < 2; b++)
		if (longest < txn->branches[b].count)
			longest = txn->branches[b].count;
	return longest + txn->nested_operations;
}

/* ---- compares ---- */

/* What a compare is of: one key, everything with it as a prefix, or all of that but the key itself. */
enum span { ONE, PREFIX, BELOW };

/* Starts one; the caller adds what it is compared with, and the closing brace. */
static struct etcd_text *start_compare(
        struct etcd_txn *txn, const char *target, const char *result, const char *key, enum span span)
{
	struct etcd_text *text = &txn->compares;

	etcd_text_add(text, txn->compare_count++ ? ",{\"target\":\"" : "{\"target\":\"");
	etcd_text_add(text, target);
	etcd_text_add(text, "\",\"result\":\"");
	etcd_text_add(text, result);
	etcd_text_add(text, "\",");
	if (span != ONE) {
		/* The terminating NUL makes the first key behind it. */
		etcd_range_add_prefix(text, key, key, span == BELOW ? strlen(key) + 1 : 0);
	} else {
		etcd_text_add(text, "\"key\":");
		etcd_text_add_base64(text, key, strlen(key));
	}
	txn->bytes += OVERHEAD_BYTES + strlen(key) * (span != ONE ? 2 : 1);
	return text;
}

static void compare_revision(
        struct etcd_txn *txn, const char *target, const char *field, const char *key, int64_t revision)
{
	struct etcd_text *text;

	if (!txn)
		return;
	text = start_compare(txn, target, "EQUAL", key, ONE);
	etcd_text_add(text, field);
	etcd_text_add_number(text, revision);
	etcd_text_add(text, "}");
}

void etcd_txn_if_create_revision(struct etcd_txn *txn, const char *key, int64_t revision)
{
	compare_revision(txn, "CREATE", ",\"create_revision\":", key, revision);
}

void etcd_txn_if_mod_revision(struct etcd_txn *txn, const char *key, int64_t revision)
{
	compare_revision(txn, "MOD", ",\"mod_revision\":", key, revision);
}

void etcd_txn_if_value(struct etcd_txn *txn, const char *key, const char *value)
{
	struct etcd_text *text;

	if (!txn)
		return;
	text = start_compare(txn, "VALUE", "EQUAL", key, ONE);
	etcd_text_add(text, ",\"value\":");
	etcd_text_add_base64(text, value, strlen(value));
	etcd_text_add(text, "}");
	txn->bytes += strlen(value);
}

/* Of a range without a key etcd compares one key that is all zero; of others every key. */
static void compare_created(
        struct etcd_txn *txn, const char *result, const char *prefix, enum span span, int64_t revision)
{
	struct etcd_text *text;

	if (!txn)
		return;
	text = start_compare(txn, "CREATE", result, prefix, span);
	etcd_text_add(text, ",\"create_revision\":");
	etcd_text_add_number(text, revision);
	etcd_text_add(text, "}");
}

void etcd_txn_if_none_created_at(struct etcd_txn *txn, const char *prefix, int64_t revision)
{
	assert(revision > 0);
	compare_created(txn, "NOT_EQUAL", prefix, PREFIX, revision);
}

void etcd_txn_if_none(struct etcd_txn *txn, const char *prefix)
{
	compare_created(txn, "EQUAL", prefix, PREFIX, 0);
}

void etcd_txn_if_none_below(struct etcd_txn *txn, const char *prefix)
{
	compare_created(txn, "EQUAL", prefix, BELOW, 0);
}

/* ---- operations ---- */

/* Notes the operation; NULL when out of memory, noted too. nested is taken over. */
static struct etcd_text *start_op(struct etcd_txn *txn, enum etcd_branch branch, enum etcd_txn_op_kind kind,
        struct etcd_txn *nested, size_t bytes)
{
	struct etcd_txn_branch *to = txn ? &txn->branches[branch] : NULL;
	struct etcd_txn_op *ops;

	if (to && to->count == to->room) {
		to->room = to->room ? to->room * 2 : 8;
		ops = realloc(to->ops, to->room * sizeof(*ops));
		if (ops)
			to->ops = ops;
		txn->failed = txn->failed || !ops;
	}
	if (!txn || txn->failed) {
		etcd_txn_free(nested);
		return NULL;
	}
	if (to->count > 0)
		etcd_text_add(&to->text, ",");
	to->ops[to->count++] = (struct etcd_txn_op){ .kind = kind, .nested = nested };
	txn->bytes += OVERHEAD_BYTES + bytes;
	return &to->text;
}

void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *value, size_t value_bytes,
        int64_t lease)
{
	struct etcd_text *text = start_op(txn, branch, ETCD_TXN_PUT, NULL, strlen(key) + value_bytes);

	if (!text)
		return;
	etcd_text_add(text, "{\"request_put\":{\"key\":");
	etcd_text_add_base64(text, key, strlen(key));
	etcd_text_add(text, ",\"value\":");
	etcd_text_add_base64(text, value, value_bytes);
	if (lease) {
		etcd_text_add(text, ",\"lease\":");
		etcd_text_add_number(text, lease);
	}
	etcd_text_add(text, "}}");
}

void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key)
{
	struct etcd_text *text = start_op(txn, branch, ETCD_TXN_DELETE, NULL, strlen(key));

	if (!text)
		return;
	etcd_text_add(text, "{\"request_delete_range\":{\"key\":");
	etcd_text_add_base64(text, key, strlen(key));
	etcd_text_add(text, "}}");
}

void etcd_txn_delete_prefix(struct etcd_txn *txn, enum etcd_branch branch, const char *prefix)
{
	struct etcd_text *text;

	assert(*prefix && prefix[strlen(prefix) - 1] == '/');
	text = start_op(txn, branch, ETCD_TXN_DELETE, NULL, strlen(prefix) * 2);
	if (!text)
		return;
	etcd_text_add(text, "{\"request_delete_range\":{");
	etcd_range_add_prefix(text, prefix, NULL, 0);
	etcd_text_add(text, "}}");
}

void etcd_txn_get(struct etcd_txn *txn, enum etcd_branch branch, const char *key)
{
	struct etcd_text *text = start_op(txn, branch, ETCD_TXN_GET, NULL, strlen(key));

	if (!text)
		return;
	etcd_text_add(text, "{\"request_range\":{\"key\":");
	etcd_text_add_base64(text, key, strlen(key));
	etcd_text_add(text, "}}");
}

void etcd_txn_get_prefix(struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t limit)
{
	struct etcd_text *text = start_op(txn, branch, ETCD_TXN_GET, NULL, strlen(prefix) * 2);

	if (!text)
		return;
	etcd_text_add(text, "{\"request_range\":{");
	etcd_range_add_prefix(text, prefix, NULL, 0);
	etcd_text_add(text, ",\"limit\":");
	etcd_text_add_number(text, limit);
	etcd_text_add(text, "}}");
}

void etcd_txn_nest(struct etcd_txn *txn, enum etcd_branch branch, struct etcd_txn *nested)
{
	struct etcd_text *text;
	size_t operations;

	if (!nested || nested->failed) {
		if (txn)
			txn->failed = true;
		etcd_txn_free(nested);
		return;
	}
	text = start_op(txn, branch, ETCD_TXN_NEST, nested, nested->bytes);
	if (!text)
		return;
	operations = etcd_txn_operations(nested);
	if (txn->nested_operations < operations)
		txn->nested_operations = operations;
	etcd_text_add(text, "{\"request_txn\":");
	etcd_txn_write(nested, text);
	etcd_text_add(text, "}");
	etcd_text_done(&nested->compares);
	etcd_text_done(&nested->branches[ETCD_THEN].text);
	etcd_text_done(&nested->branches[ETCD_ELSE].text);
}

static void write_list(struct etcd_text *text, const char *name, const struct etcd_text *list)
{
	etcd_text_add(text, name);
	etcd_text_add_bytes(text, list->data, list->bytes);
	etcd_text_add(text, "]");
	text->failed = text->failed || list->failed;
}

void etcd_txn_write(const struct etcd_txn *txn, struct etcd_text *text)
{
	write_list(text, "{\"compare\":[", &txn->compares);
	write_list(text, ",\"success\":[", &txn->branches[ETCD_THEN].text);
	write_list(text, ",\"failure\":[", &txn->branches[ETCD_ELSE].text);
	etcd_text_add(text, "}");
	text->failed = text->failed || txn->failed;
}
