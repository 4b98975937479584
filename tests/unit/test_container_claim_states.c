/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Every state of the claim kernel that can be reached, tried with every event that can come in it.
 */
#include "container_claim.h"

#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct node {
	struct container_claim claim;
	struct container_claim_env env;
	bool held, working, unacked;
};

#define NODES 200000
static struct node nodes[NODES];
static size_t node_count;

static size_t slot_of(const struct node *node)
{
	const unsigned char *bytes = (const unsigned char *)node;
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < sizeof *node; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash % (2 * NODES);
}

static uint32_t slots[2 * NODES];

static void visit(const struct node *node)
{
	size_t slot = slot_of(node);

	for (; slots[slot]; slot = (slot + 1) % (2 * NODES)) {
		if (memcmp(&nodes[slots[slot] - 1], node, sizeof *node) == 0)
			return;
	}
	assert_true(node_count < NODES);
	nodes[node_count++] = *node;
	slots[slot] = (uint32_t)node_count;
}

static void check_actions(const struct node *before, struct node *after, const struct container_claim_actions *actions)
{
	unsigned sent = 0, answered = 0;

	for (size_t i = 0; i < actions->count; i++) {
		const struct container_claim_action *a = &actions->list[i];
		switch (a->type) {
		case CONTAINER_CLAIM_SEND:
			sent++;
			assert_true(a->op != CONTAINER_CLAIM_RELEASE || !after->working);
			assert_true(a->op != CONTAINER_CLAIM_CREATE || after->env.incarnation != 0);
			break;
		case CONTAINER_CLAIM_HOLD:
			assert_true(a->token != 0);
			after->held = true;
			break;
		case CONTAINER_CLAIM_UNHOLD:
			after->held = false;
			break;
		case CONTAINER_CLAIM_TELL_ADD:
			assert_true(after->held && after->env.live && !after->working);
			/* fall through */
		case CONTAINER_CLAIM_TELL_DROP:
		case CONTAINER_CLAIM_TELL_LOST:
			assert_false(after->unacked);
			after->unacked = true;
			after->working = true;
			break;
		case CONTAINER_CLAIM_ANSWER:
			answered++;
			break;
		case CONTAINER_CLAIM_PAUSE:
			assert_true(after->claim.pausing);
			break;
		}
	}
	assert_true(sent <= 1 && answered <= 1);
	assert_true(!after->held || after->working);
	assert_true(!after->claim.pausing || after->claim.op == CONTAINER_CLAIM_NO_OP);
	assert_true(after->claim.want != CONTAINER_CLAIM_KEEP || after->claim.order == NULL);
	if (before->claim.order && !after->claim.order)
		assert_int_equal(answered, 1);
}

static struct node stepped(
        const struct node *before, struct container_claim_event event, struct container_claim_env env)
{
	struct container_claim_actions actions;
	struct node after = *before;

	after.env = env;
	if (event.type == CONTAINER_CLAIM_ACKED) {
		after.unacked = false;
		if (before->claim.app != CONTAINER_CLAIM_ADDING || event.text)
			after.working = after.held = false;
	}
	if (event.type == CONTAINER_CLAIM_LOST)
		after.held = false;
	if (event.type == CONTAINER_CLAIM_CLOSE)
		after.working = after.unacked = false;
	container_claim_step(&after.claim, &env, &event, &actions);
	check_actions(before, &after, &actions);
	/* Numbers that only count would make every state a new one. */
	after.claim.failures = 0;
	return after;
}

static void try_answers(const struct node *node)
{
	enum container_claim_op op = node->claim.op;
	struct container_claim_event event = {
		.type = CONTAINER_CLAIM_UNKNOWN, .code = SM_EUNAVAILABLE, .text = "away"
	};
	struct node after = stepped(node, event, node->env);

	visit(&after);
	event.type = CONTAINER_CLAIM_UNSENT;
	after = stepped(node, event, node->env);
	visit(&after);
	if (op != CONTAINER_CLAIM_READ) {
		event = (struct container_claim_event){ .type = CONTAINER_CLAIM_COMMITTED,
			.mod_revision = op == CONTAINER_CLAIM_READY ? 12 : 11,
			.token = 11 };
		after = stepped(node, event, node->env);
		visit(&after);
	}
	if (op == CONTAINER_CLAIM_CREATE && node->claim.incarnation != node->env.incarnation) {
		event.type = CONTAINER_CLAIM_FENCED;
		after = stepped(node, event, node->env);
		visit(&after);
	}
	for (int owner = CONTAINER_CLAIM_ABSENT; owner <= CONTAINER_CLAIM_OTHER; owner++) {
		event = (struct container_claim_event){ .type = CONTAINER_CLAIM_FOUND };
		event.record.owner = (enum container_claim_owner)owner;
		event.record.incarnation = owner == CONTAINER_CLAIM_MINE ? node->env.incarnation : 1;
		event.record.mod_revision = owner == CONTAINER_CLAIM_ABSENT ? 0 : op == CONTAINER_CLAIM_READY ? 12 : 11;
		event.record.token = 11;
		event.record.ready = op == CONTAINER_CLAIM_READY;
		bool possible = op != CONTAINER_CLAIM_CREATE || owner != CONTAINER_CLAIM_ABSENT;
		if (!possible || (owner == CONTAINER_CLAIM_MINE && node->env.incarnation == 0))
			continue;
		after = stepped(node, event, node->env);
		visit(&after);
	}
}

static void try_all(const struct node *node)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_ORDER_ADD, .order = (void *)1 };
	struct container_claim_env none = { 0 };
	struct node after;

	/* Orders are taken while the session lives; stop and close come whenever they like. */
	for (int type = CONTAINER_CLAIM_ORDER_ADD; type <= CONTAINER_CLAIM_CLOSE; type++) {
		if (type <= CONTAINER_CLAIM_ORDER_DROP && !node->env.live)
			continue;
		event.type = (enum container_claim_event_type)type;
		event.order = type <= CONTAINER_CLAIM_ORDER_DROP ? (void *)1 : NULL;
		after = stepped(node, event, node->env);
		visit(&after);
	}
	event = (struct container_claim_event){ .type = CONTAINER_CLAIM_ACKED };
	if (node->unacked) {
		after = stepped(node, event, node->env);
		visit(&after);
		event.text = "no";
		after = stepped(node, event, node->env);
		visit(&after);
	}
	if (node->claim.pausing) {
		event = (struct container_claim_event){ .type = CONTAINER_CLAIM_RETRY };
		after = stepped(node, event, node->env);
		visit(&after);
	}
	if (node->env.incarnation != 0) {
		event = (struct container_claim_event){ .type = CONTAINER_CLAIM_LOST };
		after = stepped(node, event, none);
		visit(&after);
		after = *node;
		after.env.live = !after.env.live;
		visit(&after);
	} else if (container_claim_is_free(&node->claim)) {
		after = *node;
		after.env = (struct container_claim_env){ .incarnation = 2, .live = true };
		visit(&after);
	}
	if (node->claim.op != CONTAINER_CLAIM_NO_OP)
		try_answers(node);
}

/* From here, with a world that does as it should, the shard can be got rid of. */
static void check_way_out(struct node node)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_STOP };

	node = stepped(&node, event, node.env);
	for (int i = 0; i < 12 && !container_claim_is_free(&node.claim); i++) {
		event = (struct container_claim_event){ .type = CONTAINER_CLAIM_RETRY };
		if (node.unacked)
			event.type = CONTAINER_CLAIM_ACKED;
		else if (node.claim.op == CONTAINER_CLAIM_READ)
			event.type = CONTAINER_CLAIM_FOUND;
		else if (node.claim.op == CONTAINER_CLAIM_CREATE && node.claim.incarnation != node.env.incarnation)
			event.type = CONTAINER_CLAIM_FENCED;
		else if (node.claim.op != CONTAINER_CLAIM_NO_OP)
			event = (struct container_claim_event){
				.type = CONTAINER_CLAIM_COMMITTED, .mod_revision = 12, .token = 11
			};
		node = stepped(&node, event, node.env);
	}
	assert_true(container_claim_is_free(&node.claim));
}

static void every_state_with_every_event(void **state)
{
	struct node first;

	(void)state;
	memset(&first, 0, sizeof first);
	first.env = (struct container_claim_env){ .incarnation = 2, .live = true };
	visit(&first);
	for (size_t i = 0; i < node_count; i++) {
		try_all(&nodes[i]);
		check_way_out(nodes[i]);
	}
	print_message("%zu states\n", node_count);
	assert_true(node_count > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_state_with_every_event) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
