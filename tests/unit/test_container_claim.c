/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The claim kernel: stories told event by event.
 */
#include "container_claim.h"

#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct story {
	struct container_claim claim;
	struct container_claim_env env;
	int64_t revision;
};

static const struct {
	const char *word;
	enum container_claim_event_type type;
	enum container_claim_owner owner;
	const char *text;
} words[] = {
	{ "stop", CONTAINER_CLAIM_STOP, 0, NULL },
	{ "close", CONTAINER_CLAIM_CLOSE, 0, NULL },
	{ "ok", CONTAINER_CLAIM_COMMITTED, 0, NULL },
	{ "absent", CONTAINER_CLAIM_FOUND, CONTAINER_CLAIM_ABSENT, NULL },
	{ "mine", CONTAINER_CLAIM_FOUND, CONTAINER_CLAIM_MINE, NULL },
	{ "former", CONTAINER_CLAIM_FOUND, CONTAINER_CLAIM_FORMER, NULL },
	{ "stranger", CONTAINER_CLAIM_FOUND, CONTAINER_CLAIM_STRANGER, NULL },
	{ "other", CONTAINER_CLAIM_FOUND, CONTAINER_CLAIM_OTHER, NULL },
	{ "unknown", CONTAINER_CLAIM_UNKNOWN, 0, NULL },
	{ "unsent", CONTAINER_CLAIM_UNSENT, 0, "etcd is away" },
	{ "fenced", CONTAINER_CLAIM_FENCED, 0, NULL },
	{ "ack", CONTAINER_CLAIM_ACKED, 0, NULL },
	{ "nack", CONTAINER_CLAIM_ACKED, 0, "no" },
	{ "lost", CONTAINER_CLAIM_LOST, 0, NULL },
	{ "retry", CONTAINER_CLAIM_RETRY, 0, NULL },
};

static const char *const ops[] = { "", "create", "ready", "release", "read" };
static const char *const acts[] = { "", "hold", "unhold", "tell-add", "tell-drop", "tell-lost", "", "pause" };

static void describe(const struct container_claim_actions *actions, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < actions->count; i++) {
		const struct container_claim_action *a = &actions->list[i];
		used += (size_t)snprintf(text + used, bytes - used, "%s", i ? " " : "");
		if (a->type == CONTAINER_CLAIM_SEND && a->mod_revision)
			used += (size_t)snprintf(text + used, bytes - used, "%s@%d", ops[a->op], (int)a->mod_revision);
		else if (a->type == CONTAINER_CLAIM_SEND)
			used += (size_t)snprintf(text + used, bytes - used, "%s", ops[a->op]);
		else if (a->type == CONTAINER_CLAIM_ANSWER)
			used += (size_t)snprintf(
			        text + used, bytes - used, "answer%d:%d", (int)(intptr_t)a->order, a->code);
		else
			used += (size_t)snprintf(text + used, bytes - used, "%s", acts[a->type]);
	}
}

static struct container_claim_event event_of(struct story *story, const char *word)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_RETRY };

	if (sscanf(word, "add%d", (int *)&event.code) == 1 || sscanf(word, "drop%d", (int *)&event.code) == 1) {
		event.type = word[0] == 'a' ? CONTAINER_CLAIM_ORDER_ADD : CONTAINER_CLAIM_ORDER_DROP;
		event.order = (void *)(intptr_t)event.code;
		return event;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		event = (struct container_claim_event){
			.type = words[i].type, .code = SM_EUNAVAILABLE, .text = words[i].text
		};
		event.mod_revision = ++story->revision;
		event.token = (uint64_t)story->revision;
		event.record.owner = words[i].owner;
		event.record.mod_revision = story->revision;
		event.record.token = story->claim.token ? story->claim.token : 5;
		event.record.ready = story->claim.op == CONTAINER_CLAIM_READY;
		event.record.incarnation = words[i].owner == CONTAINER_CLAIM_FORMER ? 1 : story->env.incarnation;
		if (story->claim.op == CONTAINER_CLAIM_READY && words[i].owner != CONTAINER_CLAIM_ABSENT)
			event.record.incarnation = story->claim.incarnation;
		return event;
	}
	fail_msg("no such word: %s", word);
	return event;
}

/* script: "event -> actions; event -> actions; …". Revisions count from 11, one per event that is not an order. */
static void tell(const char *script)
{
	struct story story = { .env = { .incarnation = 2, .live = true }, .revision = 10 };
	char copy[2048], got[512], *rest;

	snprintf(copy, sizeof copy, "%s", script);
	for (char *part = strtok_r(copy, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) {
		char word[32] = "", *expected = strstr(part, "->");
		struct container_claim_actions actions;
		assert_non_null(expected);
		assert_int_equal(sscanf(part, " %31[^ ]", word), 1);
		expected += 2 + (expected[2] == ' ');
		if (strcmp(word, "suspend") == 0 || strcmp(word, "resume") == 0) {
			story.env.live = word[0] == 'r';
			continue;
		}
		if (strcmp(word, "session") == 0) {
			story.env = (struct container_claim_env){ .incarnation = 3, .live = true };
			continue;
		}
		if (strcmp(word, "lost") == 0)
			story.env = (struct container_claim_env){ 0 };
		struct container_claim_event event = event_of(&story, word);
		container_claim_step(&story.claim, &story.env, &event, &actions);
		describe(&actions, got, sizeof got);
		if (strcmp(got, expected) != 0)
			fail_msg("in \"%s\":\nafter \"%s\" got \"%s\", expected \"%s\"", script, word, got, expected);
	}
	/* Every story ends with nothing left. */
	if (!container_claim_is_free(&story.claim))
		fail_msg("in \"%s\": something is left", script);
}

#define SERVED "add1 -> create;ok -> hold tell-add;ack -> ready@11;ok -> answer1:0;"
#define DROPPED "drop9 -> tell-drop;ack -> unhold release@"

static void the_plain_way(void **state)
{
	(void)state;
	tell(SERVED DROPPED "13;ok -> answer9:0");
	tell(SERVED "add2 -> answer2:0;" DROPPED "13;ok -> answer9:0");
	tell(SERVED "stop -> tell-drop;ack -> unhold release@13;ok -> ");
	tell(SERVED "close -> unhold release@13;ok -> ");
	tell("drop1 -> read;absent -> answer1:0");
	tell("drop1 -> read;other -> answer1:0");
	tell("add1 -> create;other -> answer1:-6");
	tell("add1 -> create;unsent -> answer1:-7");
	tell("add1 -> create;ok -> hold tell-add;nack -> unhold answer1:-100 release@11;ok -> ");
}

static void outcomes_that_are_unknown(void **state)
{
	(void)state;
	/* The create is repeated until it is definite; then the application hears of it. */
	tell("add1 -> create;unknown -> pause;retry -> create;unknown -> pause;retry -> create;ok -> hold "
	     "tell-add;nack -> unhold "
	     "answer1:-100 release@15;ok -> ");
	/* An earlier one came late: read again, then serve. */
	tell("add1 -> create;unknown -> pause;retry -> create;mine -> read;mine -> hold tell-add;nack -> unhold "
	     "answer1:-100 "
	     "release@14;ok -> ");
	tell("add1 -> create;unknown -> pause;retry -> create;unsent -> pause;retry -> create;other -> answer1:-6");
	/* Dropped meanwhile: settled first, then released. */
	tell("add1 -> create;unknown -> pause;drop2 -> answer1:-6;retry -> create;ok -> release@13;ok -> answer2:0");
	/* Ready: not held while in doubt. */
	tell("add1 -> create;ok -> hold tell-add;ack -> ready@11;unknown -> unhold pause;retry -> ready@11;mine -> "
	     "hold "
	     "answer1:0;" DROPPED "15;ok -> answer9:0");
	tell("add1 -> create;ok -> hold tell-add;ack -> ready@11;unknown -> unhold pause;retry -> ready@11;ok -> hold "
	     "answer1:0;" DROPPED "15;ok -> answer9:0");
	tell("add1 -> create;ok -> hold tell-add;ack -> ready@11;unknown -> unhold pause;drop2 -> answer1:-6 "
	     "tell-drop;retry -> ;ack -> "
	     "unhold release@11;mine -> release@16;ok -> answer2:0");
	/* Release: again and again, on what the record is by then. */
	tell(SERVED DROPPED "13;unknown -> pause;retry -> release@13;absent -> answer9:0");
	tell(SERVED DROPPED "13;unknown -> pause;retry -> release@13;mine -> release@17;ok -> answer9:0");
	tell(SERVED DROPPED "13;unknown -> pause;retry -> release@13;other -> answer9:0");
}

static void newer_orders(void **state)
{
	(void)state;
	tell("add1 -> create;drop2 -> answer1:-6;ok -> release@11;ok -> answer2:0");
	tell("add1 -> create;drop2 -> answer1:-6;other -> answer2:0");
	tell("add1 -> create;ok -> hold tell-add;drop2 -> answer1:-6;ack -> tell-drop;ack -> unhold release@11;ok -> "
	     "answer2:0");
	tell("add1 -> create;ok -> hold tell-add;drop2 -> answer1:-6;nack -> unhold release@11;ok -> answer2:0");
	tell("add1 -> create;add2 -> answer1:-6;other -> answer2:-6");
	tell(SERVED "drop2 -> tell-drop;add3 -> answer2:-6;ack -> unhold release@13;ok -> create;other -> answer3:-6");
	tell(SERVED "drop2 -> tell-drop;ack -> unhold release@13;add3 -> answer2:-6;ok -> create;other -> answer3:-6");
	tell("drop1 -> read;add2 -> answer1:-6;absent -> create;other -> answer2:-6");
	tell("drop1 -> read;drop2 -> answer1:-6;absent -> answer2:0");
}

static void records_that_are_found(void **state)
{
	(void)state;
	tell("drop1 -> read;mine -> release@11;ok -> answer1:0");
	tell("drop1 -> read;former -> release@11;ok -> answer1:0");
	tell("drop1 -> read;stranger -> answer1:-6");
	tell("add1 -> create;stranger -> answer1:-6");
	tell("add1 -> create;former -> release@11;ok -> create;other -> answer1:-6");
	tell("add1 -> create;mine -> read;absent -> create;other -> answer1:-6");
	tell("add1 -> create;mine -> read;unknown -> pause;retry -> create;other -> answer1:-6");
	/* The claim is gone when it should be made ready. */
	tell("add1 -> create;ok -> hold tell-add;ack -> ready@11;other -> answer1:-7 unhold tell-lost;ack -> unhold");
	tell("add1 -> create;ok -> hold tell-add;ack -> ready@11;absent -> answer1:-7 unhold tell-lost;ack -> unhold");
}

static void sessions_that_end(void **state)
{
	(void)state;
	tell(SERVED "lost -> unhold tell-lost;ack -> unhold release@13;ok -> ");
	tell(SERVED "lost -> unhold tell-lost;ack -> unhold release@13;other -> ");
	tell("add1 -> create;lost -> answer1:-7;ok -> release@12;ok -> ");
	tell("add1 -> create;lost -> answer1:-7;fenced -> ");
	/* With a create in doubt a read tells, since the key that the create compares is gone. */
	tell("add1 -> create;unknown -> pause;lost -> answer1:-7;retry -> read;former -> release@14;ok -> ");
	tell("add1 -> create;unknown -> pause;retry -> create;lost -> answer1:-7;fenced -> read;absent -> ");
	tell("add1 -> create;ok -> hold tell-add;lost -> answer1:-7;ack -> unhold tell-lost;ack -> unhold "
	     "release@11;ok -> ");
	tell("add1 -> create;ok -> hold tell-add;lost -> answer1:-7;nack -> unhold release@11;ok -> ");
	tell(SERVED "drop2 -> tell-drop;lost -> ;ack -> unhold release@13;ok -> answer2:0");
	/* Too late to count: given back unserved. */
	tell("add1 -> create;suspend -> ;ok -> release@11;ok -> answer1:-7");
	tell("suspend -> ;add1 -> answer1:-7");
	tell("drop1 -> read;lost -> ;absent -> answer1:0");
}

static void closing(void **state)
{
	(void)state;
	tell("add1 -> create;close -> answer1:-14 unhold;ok -> release@12;ok -> ");
	tell("add1 -> create;ok -> hold tell-add;close -> answer1:-14 unhold release@11;add2 -> answer2:-14;ok -> ");
	tell("add1 -> create;unknown -> pause;close -> answer1:-14 unhold create;other -> ");
	tell(SERVED "drop2 -> tell-drop;close -> answer2:-14 unhold release@13;ok -> ");
	tell(SERVED "lost -> unhold tell-lost;close -> unhold release@13;ok -> ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plain_way),
		cmocka_unit_test(outcomes_that_are_unknown),
		cmocka_unit_test(newer_orders),
		cmocka_unit_test(records_that_are_found),
		cmocka_unit_test(sessions_that_end),
		cmocka_unit_test(closing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
