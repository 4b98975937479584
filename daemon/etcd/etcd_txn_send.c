/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Sending a transaction, once, and reading the answer, which must have the shape of what was asked.
 */
#include "etcd_client.h"
#include "etcd_txn.h"
#include "shardmgr.h"

#include <string.h>

struct send {
	struct etcd_call call;
	etcd_txn_fn *user;
	void *arg;
	struct etcd_txn *txn;
	struct etcd_arena arena;
	struct etcd_header header;
	struct etcd_txn_result result;
};

static int decode_txn(const json_t *object, const struct etcd_txn *asked, struct etcd_arena *arena,
        struct etcd_txn_result *ret_result);

static int decode_op(const json_t *object, const struct etcd_txn_op *asked, struct etcd_arena *arena,
        struct etcd_op_result *ret_result)
{
	static const char *const names[] = { [ETCD_TXN_PUT] = "response_put",
		[ETCD_TXN_DELETE] = "response_delete_range",
		[ETCD_TXN_GET] = "response_range",
		[ETCD_TXN_NEST] = "response_txn" };
	const json_t *response = json_object_get(object, names[asked->kind]);

	if (!json_is_object(response))
		return SM_EPROTO;
	if (asked->kind == ETCD_TXN_DELETE)
		return etcd_json_int64(response, "deleted", &ret_result->deleted);
	if (asked->kind == ETCD_TXN_GET)
		return etcd_json_kvs(response, arena, &ret_result->kvs, &ret_result->kv_count);
	if (asked->kind == ETCD_TXN_NEST)
		return decode_txn(response, asked->nested, arena, &ret_result->nested);
	return 0;
}

/* Recursion ends with the shape that was asked for, which has ETCD_TXN_OPERATIONS levels at most. */
static int decode_txn(const json_t *object, const struct etcd_txn *asked, struct etcd_arena *arena,
        struct etcd_txn_result *ret_result)
{
	const struct etcd_txn_branch *branch;
	const json_t *responses;
	struct etcd_op_result *ops;
	int error = 0;

	if (etcd_json_bool(object, "succeeded", &ret_result->succeeded) ||
	        etcd_json_array(object, "responses", &responses))
		return SM_EPROTO;
	branch = &asked->branches[ret_result->succeeded ? ETCD_THEN : ETCD_ELSE];
	if (json_array_size(responses) != branch->count)
		return SM_EPROTO;
	ops = etcd_arena_get(arena, branch->count, sizeof(*ops));
	if (!ops)
		return SM_ENOMEM;
	for (size_t i = 0; !error && i < branch->count; i++)
		error = decode_op(json_array_get(responses, i), &branch->ops[i], arena, &ops[i]);
	ret_result->count = branch->count;
	ret_result->ops = ops;
	return error;
}

static int decode(struct etcd_call *call, const json_t *answer, struct why *why)
{
	struct send *send = (struct send *)call;
	int error;

	if (etcd_json_header(answer, &send->header))
		return why_set(why, SM_EPROTO, "etcd's answer to a transaction has no proper header");
	error = decode_txn(answer, send->txn, &send->arena, &send->result);
	if (error)
		return why_set(why, error, "etcd's answer to a transaction does not fit what was asked");
	return 0;
}

static void finish(struct etcd_call *call, int error, const char *why)
{
	struct send *send = (struct send *)call;

	send->user(send->arg, error, why, error ? NULL : &send->header, error ? NULL : &send->result);
}

static void done(struct etcd_call *call)
{
	struct send *send = (struct send *)call;

	etcd_txn_free(send->txn);
	etcd_arena_done(&send->arena);
}

static const struct etcd_call_kind kind = { "/v3/kv/txn", ETCD_CALL_ONCE, decode, finish, done };

struct etcd_call *etcd_txn_send(struct etcd *etcd, struct etcd_txn *txn, etcd_txn_fn *user, void *arg)
{
	struct send *send = (struct send *)etcd_call_new(etcd_client_calls(etcd), &kind, sizeof(*send));
	struct why why;

	if (!send) {
		etcd_txn_free(txn);
		return NULL;
	}
	send->user = user;
	send->arg = arg;
	send->txn = txn;
	if (!txn)
		return etcd_call_reject(&send->call, SM_ENOMEM, "out of memory");
	if (etcd_txn_operations(txn) > ETCD_TXN_OPERATIONS) {
		why_set(&why, 0, "a transaction of %zu operations; etcd takes %d, nested ones included: split it",
		        etcd_txn_operations(txn), ETCD_TXN_OPERATIONS);
		return etcd_call_reject(&send->call, SM_EINVAL, why.text);
	}
	if (txn->bytes > ETCD_REQUEST_BYTES) {
		why_set(&why, 0, "a transaction of %zu bytes; the most is %u: split it", txn->bytes,
		        ETCD_REQUEST_BYTES);
		return etcd_call_reject(&send->call, SM_EINVAL, why.text);
	}
	etcd_txn_write(txn, &send->call.body);
	return etcd_call_submit(&send->call);
}
