/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A transaction: its text as it is built, and its shape, which the answer is held against.
 */
#ifndef ETCD_TXN_H
#define ETCD_TXN_H

#include "etcd.h"
#include "etcd_text.h"

enum etcd_txn_op_kind { ETCD_TXN_PUT, ETCD_TXN_DELETE, ETCD_TXN_GET, ETCD_TXN_NEST };

struct etcd_txn_op {
	enum etcd_txn_op_kind kind;
	struct etcd_txn *nested;
};

struct etcd_txn_branch {
	struct etcd_text text; /* JSON, comma separated */
	struct etcd_txn_op *ops;
	size_t count, room;
};

struct etcd_txn {
	struct etcd_text compares;
	size_t compare_count;
	struct etcd_txn_branch branches[2];
	/* Operations in the longest chain of nested transactions below this one: each level counts its longest list. */
	size_t nested_operations;
	size_t bytes;
	bool failed;
};

/* Of this transaction and what is nested in it, as etcd counts them against ETCD_TXN_OPERATIONS. */
size_t etcd_txn_operations(const struct etcd_txn *txn);
/* Appends the whole as JSON. */
void etcd_txn_write(const struct etcd_txn *txn, struct etcd_text *text);

#endif
