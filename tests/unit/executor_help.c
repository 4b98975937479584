/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "executor_help.h"

struct executor *executor;

void number(uint32_t shards, uint32_t containers, const uint32_t *shard_was, const uint32_t *container_is)
{
	static const bool anew[CONTAINERS];
	struct executor_numbering numbering = { .shard_count = shards,
		.container_count = containers,
		.shard_was = shard_was,
		.container_is = container_is,
		.container_anew = anew };

	assert_int_equal(executor_renumber(executor, &numbering), 0);
}

void number_fresh(uint32_t shards)
{
	static const uint32_t same[CONTAINERS] = { A, B };
	uint32_t *was = malloc(shards * sizeof(*was));

	memset(was, 0xff, shards * sizeof(*was));
	number(shards, CONTAINERS, was, same);
	free(was);
}

int executor_help_setup(void **state)
{
	(void)state;
	assert_int_equal(executor_new(7, &executor), 0);
	number_fresh(1);
	return 0;
}

int executor_help_teardown(void **state)
{
	(void)state;
	executor_free(executor);
	return 0;
}

bool claimed(uint32_t container, bool ready, bool current, uint64_t now)
{
	struct executor_claim claim = { .container = container, .ready = ready, .current = current };

	return executor_claimed(executor, 0, claim, now);
}

/* The only order that is ready at now; op 0: none. */
static struct executor_order take(uint64_t now, uint32_t *ret_container)
{
	struct executor_order orders[2] = { 0 };

	*ret_container = NOBODY;
	executor_wake(executor, now);
	for (uint32_t c = 0; c < CONTAINERS; c++) {
		if (executor_take(executor, c, now, 1, &orders[1]) == 0)
			continue;
		assert_int_equal(*ret_container, NOBODY);
		*ret_container = c;
		orders[0] = orders[1];
	}
	return orders[0];
}

struct executor_order expect(enum executor_op op, uint32_t container, uint64_t now)
{
	uint32_t to;
	struct executor_order order = take(now, &to);

	assert_int_equal(order.op, op);
	assert_int_equal(to, op ? container : NOBODY);
	return order;
}

void expect_nothing(uint64_t now)
{
	expect(0, NOBODY, now);
}
