/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the executor's unit tests share: one executor, two containers, and short forms of the calls.
 */
#ifndef EXECUTOR_HELP_H
#define EXECUTOR_HELP_H

#include "balancer/executor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { A, B, CONTAINERS };
#define NOBODY EXECUTOR_NONE
#define AWAY EXECUTOR_AWAY

extern struct executor *executor;

/* cmocka set-up and tear-down: an executor with one shard. */
int executor_help_setup(void **state);
int executor_help_teardown(void **state);
/* New numbers, no container anew. */
void number(uint32_t shards, uint32_t containers, const uint32_t *shard_was, const uint32_t *container_is);
void number_fresh(uint32_t shards); /* all of them new */

/* The claim of shard 0. */
bool claimed(uint32_t container, bool ready, bool current, uint64_t now);
/* The only order that is ready for anybody at now must be this one. */
struct executor_order expect(enum executor_op op, uint32_t container, uint64_t now);
void expect_nothing(uint64_t now);

#define TEST(name) cmocka_unit_test_setup_teardown(name, executor_help_setup, executor_help_teardown)

#endif
