/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One POST as a curl easy handle: what is sent, what has come back, and whether anything may have reached etcd.
 */
#ifndef ETCD_TRANSFER_H
#define ETCD_TRANSFER_H

#include "../common/why.h"
#include "etcd_endpoints.h"
#include "etcd_text.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

#define ETCD_TRANSFER_BYTES (512u * 1024u * 1024u) /* longest answer, or longest unread part of a stream */

struct etcd_transfer_tls {
	char *ca_file, *cert_file, *key_file; /* NULL = the system's / none */
};

struct etcd_transfer_request {
	const struct etcd_endpoint *endpoint;
	const char *path;  /* "/v3/…" */
	const char *token; /* NULL = none */
	const char *body;  /* not copied: it stays until the end. Of a stream: NULL */
	size_t body_bytes;
	unsigned timeout_ms; /* of the whole; of a stream: of connecting */
	bool once;           /* never sent again by libcurl on its own */
	bool separate;       /* on a connection of its own, unless it is encrypted */
};

/* How it ended. Valid in the callback only. */
struct etcd_transfer_answer {
	/* 0: a whole HTTP answer came, whatever its status. SM_EUNAVAILABLE: nothing was sent. SM_EUNKNOWN: something was. SM_ENOMEM: nothing
	 * was sent. SM_EPROTO: longer than ETCD_TRANSFER_BYTES. */
	int error;
	long status;
	const char *body; /* of a stream: what was not consumed */
	size_t body_bytes;
	const char *why; /* of an error */
};

struct etcd_transfer_handler {
	void (*ended)(void *arg, const struct etcd_transfer_answer *answer); /* the transfer is gone when it returns */
	/* Streams only: received has grown; the callee consumes what it can. Not called unless the status is 200. */
	void (*data)(void *arg, struct etcd_text *received);
};

struct etcd_transfer {
	CURL *easy;
	struct curl_slist *headers;
	const struct etcd_transfer_handler *handler;
	void *arg;
	void (*wake)(
	        struct etcd_transfer *transfer); /* has_data or must_resume; set by the owner of the multi handle */
	void *owner;
	TAILQ_ENTRY(etcd_transfer) all, ready;
	bool stream, once, is_ready, has_data, has_ended;
	bool reading; /* of a stream: its socket was polled for reading after sent */
	bool sent;    /* a connection was there and the request was started on it */
	bool upload_paused, upload_ends;
	bool must_resume; /* its upload, outside of libcurl's callbacks */
	CURLcode result;
	struct etcd_text received, upload;
	char curl_error[CURL_ERROR_SIZE];
};

/* Sets easy up for the request. NULL when out of memory; easy is the caller's then. */
struct etcd_transfer *etcd_transfer_new(CURL *easy, const struct etcd_transfer_request *request, bool stream,
        const struct etcd_transfer_tls *tls, const struct etcd_transfer_handler *handler, void *arg);
void etcd_transfer_free(struct etcd_transfer *transfer); /* not the easy handle */
/* libcurl polls its socket for reading now, or does not. */
void etcd_transfer_note_polled(struct etcd_transfer *transfer, bool for_reading);
/* Of one with has_ended: the answer; why holds the text of an error. */
void etcd_transfer_get_answer(
        const struct etcd_transfer *transfer, struct etcd_transfer_answer *ret_answer, struct why *why);

#endif
