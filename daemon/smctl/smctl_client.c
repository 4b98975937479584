/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "smctl_client.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (1024u * 1024u * 1024u)

struct smctl_client {
	CURL *curl;
	char *text;
	size_t bytes;
};

struct smctl_client *smctl_client_new(void)
{
	struct smctl_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->curl = curl_easy_init();
	if (client->curl == NULL) {
		free(client);
		return NULL;
	}
	return client;
}

void smctl_client_free(struct smctl_client *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->curl);
	free(client->text);
	free(client);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct smctl_client *client = arg;
	char *more;

	(void)size;
	if (client->bytes + count > ANSWER_BYTES)
		return 0;
	more = realloc(client->text, client->bytes + count + 1);
	if (more == NULL)
		return 0;
	client->text = more;
	memcpy(more + client->bytes, bytes, count);
	client->bytes += count;
	more[client->bytes] = '\0';
	return count;
}

static void __attribute__((format(printf, 2, 3))) tell(const struct smctl *smctl, const char *format, ...)
{
	va_list args;

	if (smctl->quiet)
		return;
	fputs("smctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Caller frees; NULL: out of memory. */
static char *make_url(struct smctl *smctl, const char *path, const char *service)
{
	char *name = curl_easy_escape(smctl->client->curl, service == NULL ? "" : service, 0), *url;

	if (name == NULL ||
	        asprintf(&url, "%s%s%s%s", smctl->server, path, service == NULL ? "" : "?service=", name) < 0)
		url = NULL;
	curl_free(name);
	return url;
}

static int read_answer(struct smctl *smctl, json_t **ret_answer)
{
	struct smctl_client *client = smctl->client;
	json_t *answer = json_loadb(client->bytes == 0 ? "" : client->text, client->bytes, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	long status = 0;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 && json_is_object(answer)) {
		*ret_answer = answer;
		return SMCTL_OK;
	}
	if (error != NULL)
		tell(smctl, "%s", error);
	else
		tell(smctl, "%s answered status %ld, but not as smd does: is it smd's address?", smctl->server, status);
	json_decref(answer);
	return SMCTL_REFUSED;
}

/* body NULL: GET */
static int perform(struct smctl *smctl, const char *url, const char *body, json_t **ret_answer)
{
	struct smctl_client *client = smctl->client;
	char why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLcode code;

	curl_easy_reset(client->curl);
	client->bytes = 0;
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)(smctl->timeout_s * 1000));
	curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	if (body != NULL)
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(client->curl);
	curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	if (code == CURLE_OK)
		return read_answer(smctl, ret_answer);
	tell(smctl, "%s: %s; is smd running there? (-s URL or SMCTL_SERVER names another)", smctl->server,
	        *why == '\0' ? curl_easy_strerror(code) : why);
	return SMCTL_UNREACHABLE;
}

static int request(struct smctl *smctl, const char *path, const char *service, const char *body, json_t **ret_answer)
{
	char *url = make_url(smctl, path, service);
	int status = SMCTL_UNREACHABLE;

	if (url == NULL)
		tell(smctl, "out of memory");
	else
		status = perform(smctl, url, body, ret_answer);
	free(url);
	return status;
}

int smctl_client_get(struct smctl *smctl, const char *path, const char *service, json_t **ret_answer)
{
	return request(smctl, path, service, NULL, ret_answer);
}

int smctl_client_post(struct smctl *smctl, const char *path, json_t *body, json_t **ret_answer)
{
	char *text = json_dumps(body, JSON_COMPACT);
	int status = SMCTL_USAGE;

	json_decref(body);
	if (text == NULL)
		tell(smctl, "an argument is not UTF-8 text");
	else
		status = request(smctl, path, NULL, text, ret_answer);
	free(text);
	return status;
}

int smctl_client_strange(const struct smctl *smctl, const char *needed)
{
	tell(smctl, "%s answered without \"%s\": is it smd's address?", smctl->server, needed);
	return SMCTL_REFUSED;
}
