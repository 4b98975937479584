/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two liars with watch streams, each with a script of its own, and a client that watches them.
 */
#ifndef ETCD_STREAM_H
#define ETCD_STREAM_H

#include "etcd_ask.h"
#include "etcd_liar.h"

/* Messages */
#define HEADER(revision)                                                                                               \
	"\"header\":{\"cluster_id\":\"1\",\"member_id\":\"2\",\"revision\":\"" #revision "\",\"raft_term\":\"3\"}"
#define CREATED "{\"result\":{" HEADER(20) ",\"created\":true}}\n"
#define PROGRESS "{\"result\":{" HEADER(20) ",\"watch_id\":\"-1\"}}\n"
#define PUT(revision, value)                                                                                           \
	"{\"kv\":{\"key\":\"L2E=\",\"create_revision\":\"1\",\"mod_revision\":\"" #revision                            \
	"\",\"version\":\"1\",\"value\":\"" value "\"}}"
#define DELETED(revision) "{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2E=\",\"mod_revision\":\"" #revision "\"}}"
#define EVENTS(events) "{\"result\":{" HEADER(20) ",\"events\":[" events "]}}\n"

/* What a liar says to a watch: the text, cut, and after that it closes, or answers questions for progress, or is silent. */
struct stream_script {
	char text[8192]; /* chunks, without the head */
	size_t bytes;    /* so many of them, head included; SIZE_MAX = all */
	bool close, progress;
	unsigned delay_ms; /* before it says anything */
	size_t *cuts;      /* not NULL: cut and closed while this is more than 0, then said whole */
	int status;
	const char *refusal;
	/* Seen: */
	size_t streams, questions, tokens;
	long long start_revision;
	bool has_leader_header, closes;
};

struct stream_world {
	struct ask *ask;
	struct liar *liars[2];
	struct stream_script scripts[2];
};

/* What stands before the chunks of a stream. */
#define STREAM_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* For cmocka; *state is the world. */
int stream_set_up(void **state, const struct etcd_config *config);
int stream_tear_down(void **state);
/* Adds a chunk to what is said. */
void stream_chunk(struct stream_script *script, const char *text);
struct etcd_watch *stream_open_watch(struct stream_world *world, int64_t start, struct ask_watch *seen);

#endif
