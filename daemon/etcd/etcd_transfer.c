/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One POST as a curl easy handle.
 */
#include "etcd_transfer.h"

#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 2000u

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
	struct etcd_transfer *transfer = arg;

	if (transfer->received.bytes + size * count > ETCD_TRANSFER_BYTES)
		return CURL_WRITEFUNC_ERROR;
	etcd_text_add_bytes(&transfer->received, data, size * count);
	if (transfer->received.failed)
		return CURL_WRITEFUNC_ERROR;
	transfer->has_data = transfer->stream;
	if (transfer->stream)
		transfer->wake(transfer);
	return size * count;
}

static void end_upload(struct etcd_transfer *transfer)
{
	transfer->upload_ends = transfer->must_resume = true;
	transfer->wake(transfer);
}

/* A stream that is refused never ends while we keep our half open. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct etcd_transfer *transfer = arg;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (*data == '\r' && status >= 300)
		end_upload(transfer);
	return size * count;
}

static size_t on_read(char *ret_data, size_t size, size_t count, void *arg)
{
	struct etcd_transfer *transfer = arg;
	size_t bytes = size * count;

	if (transfer->upload_ends)
		return 0;
	transfer->upload_paused = transfer->upload.bytes == 0;
	if (transfer->upload_paused)
		return CURL_READFUNC_PAUSE;
	if (bytes > transfer->upload.bytes)
		bytes = transfer->upload.bytes;
	memcpy(ret_data, transfer->upload.data, bytes);
	etcd_text_consume(&transfer->upload, bytes);
	return bytes;
}

/* Called when a connection is there, just before the request goes out on it. Before this nothing was sent. A second call means that libcurl
 * is about to repeat the request, because a connection which it used again ended without an answer: etcd may have executed it. */
static int on_request(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct etcd_transfer *transfer = arg;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (transfer->sent && transfer->once)
		return CURL_PREREQFUNC_ABORT;
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

static bool add_header(struct etcd_transfer *transfer, const char *line)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);

	if (longer)
		transfer->headers = longer;
	return longer;
}

static bool add_headers(struct etcd_transfer *transfer, const char *token)
{
	char *line = NULL;
	bool added;

	/* Without "Expect:" libcurl waits a second for a 100 Continue that the gateway never sends. */
	added = add_header(transfer, "Content-Type: application/json") && add_header(transfer, "Expect:");
	if (added && transfer->stream)
		/* Only with Connection: close does Go's server read on while it answers. The second one ends the stream when the member loses its
		 * leader, instead of silence. */
		added = add_header(transfer, "Connection: close") &&
		        add_header(transfer, "Transfer-Encoding: chunked") &&
		        add_header(transfer, "Grpc-Metadata-hasleader: true");
	if (added && token)
		added = asprintf(&line, "Authorization: %s", token) >= 0 && add_header(transfer, line);
	free(line);
	return added;
}

static bool set_url(CURL *easy, const struct etcd_endpoint *endpoint, const char *path)
{
	char url[512];
	int length = snprintf(url, sizeof(url), "%s%s", endpoint->url, path);

	return length > 0 && (size_t)length < sizeof(url) && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint->socket_path) == CURLE_OK;
}

static bool set_tls(CURL *easy, const struct etcd_transfer_tls *tls)
{
	return (!tls->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file) == CURLE_OK) &&
	       (!tls->cert_file || curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file) == CURLE_OK) &&
	       (!tls->key_file || curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key_file) == CURLE_OK);
}

static void set_body(struct etcd_transfer *transfer, const struct etcd_transfer_request *request)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (transfer->stream) {
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	}
	if (transfer->stream || (request->separate && strncmp(request->endpoint->url, "http://", 7) == 0)) {
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	        (long)(request->timeout_ms < CONNECT_MS ? request->timeout_ms : CONNECT_MS));
}

static void set_common(struct etcd_transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Otherwise giving up a name that does not resolve waits for the thread that tries to. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

struct etcd_transfer *etcd_transfer_new(CURL *easy, const struct etcd_transfer_request *request, bool stream,
        const struct etcd_transfer_tls *tls, const struct etcd_transfer_handler *handler, void *arg)
{
	struct etcd_transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		return NULL;
	transfer->easy = easy;
	transfer->handler = handler;
	transfer->arg = arg;
	transfer->stream = stream;
	transfer->once = request->once;
	if (!add_headers(transfer, request->token) || !set_url(easy, request->endpoint, request->path) ||
	        !set_tls(easy, tls)) {
		etcd_transfer_free(transfer);
		return NULL;
	}
	set_common(transfer);
	set_body(transfer, request);
	return transfer;
}

void etcd_transfer_free(struct etcd_transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	etcd_text_done(&transfer->received);
	etcd_text_done(&transfer->upload);
	free(transfer);
}

/* After the end of the other half libcurl waits for the end of ours, and tells nobody: it only stops reading. */
void etcd_transfer_note_polled(struct etcd_transfer *transfer, bool for_reading)
{
	if (!transfer->stream || !transfer->sent)
		return;
	if (transfer->reading && !for_reading)
		end_upload(transfer);
	transfer->reading = for_reading;
}

static int error_of(const struct etcd_transfer *transfer)
{
	if (transfer->result == CURLE_OK)
		return 0;
	if (!transfer->sent)
		return transfer->result == CURLE_OUT_OF_MEMORY ? SM_ENOMEM : SM_EUNAVAILABLE;
	if (transfer->result == CURLE_WRITE_ERROR && !transfer->received.failed)
		return SM_EPROTO;
	return SM_EUNKNOWN;
}

void etcd_transfer_get_answer(
        const struct etcd_transfer *transfer, struct etcd_transfer_answer *ret_answer, struct why *why)
{
	const char *text = transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(transfer->result);

	why_set(why, 0, "%s", transfer->result == CURLE_OK ? "" : text);
	*ret_answer = (struct etcd_transfer_answer){ .error = error_of(transfer),
		.body = transfer->received.data ? transfer->received.data : "",
		.body_bytes = transfer->received.bytes,
		.why = why->text };
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &ret_answer->status);
}
