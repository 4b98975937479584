/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A server that answers the etcd client whatever the test wants: cut, late, never, or wrong. It runs on the test's own loop.
 */
#ifndef ETCD_LIAR_H
#define ETCD_LIAR_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stddef.h>

struct liar;

enum liar_then { LIAR_KEEP, LIAR_CLOSE };

/* Answers one request with liar_say and its like; not answering is hanging. path: "/v3/kv/txn"; head: the whole request head;
 * body: of a watch, what has come so far (it is called for each further line, too). */
typedef void liar_fn(struct liar *liar, struct bufferevent *to, const char *path, const char *head, const char *body);

struct liar {
	char endpoint[64];
	size_t connections, requests; /* counted */
	liar_fn *answer;
	void *arg;
	/* Its own: */
	struct event_base *base;
	struct evconnlistener *listener;
	struct liar_connection *open;
};

struct liar *liar_new(struct event_base *base, liar_fn *answer, void *arg);
void liar_free(struct liar *liar);
/* From now on connections are refused. */
void liar_stop_listening(struct liar *liar);

/* So many bytes of a text as they are, then close or not. */
void liar_say(struct bufferevent *to, const char *text, size_t bytes, enum liar_then then);
/* A whole answer with status and Content-Length. */
void liar_answer(struct bufferevent *to, int status, const char *body);
/* The head of a stream; then chunks. */
void liar_start_stream(struct bufferevent *to);
void liar_chunk(struct bufferevent *to, const char *text);

#endif
