/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two liars that say the same, and a client that asks them: for tests of unary calls.
 */
#ifndef ETCD_SCRIPT_H
#define ETCD_SCRIPT_H

#include "etcd_ask.h"
#include "etcd_liar.h"

/* Whole answers */
#define HEADER                                                                                                         \
	"\"header\":{\"cluster_id\":\"18446744073709551615\",\"member_id\":\"2\",\"revision\":\"7\",\"raft_term\":"    \
	"\"3\"}"
#define TXN_ANSWER                                                                                                     \
	"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"7\"}}}]}"
#define RANGE_ANSWER                                                                                                   \
	"{" HEADER ",\"kvs\":[{\"key\":\"L2E=\",\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\","   \
	"\"value\":\"YmFy\"}],\"count\":\"1\"}"
#define KEEPALIVE_ANSWER "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}}\n"

#define GRANT_ANSWER "{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}"

/* What the two liars are told to say, together. */
struct script {
	char text[4096]; /* a whole HTTP answer */
	size_t bytes;    /* so many of them are said */
	enum liar_then then;
	bool silent;
	unsigned delay_ms;
	size_t requests;    /* counted */
	size_t honest_from; /* from this request on the whole text is said; 0 = never */
};

struct script_world {
	struct ask *ask;
	struct liar *liars[2];
	struct script script;
};

/* For cmocka; *state is the world. One try has 5 s, or, for tests that wait for its end, 300 ms. */
int script_set_up(void **state);
int script_set_up_impatient(void **state);
int script_tear_down(void **state);
/* From now on they say this: whole, at once, with Content-Length or in one chunk, and keep the connection. */
void script_say(struct script_world *world, int status, const char *body);
void script_say_chunked(struct script_world *world, const char *body);

#endif
