/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two tables: texts that mean something of their own, and gRPC codes for all others.
 */
#include "etcd_error.h"

#include "shardmgr.h"

#include <string.h>

/* One code covers several cases, and the same case has another code in another version: the text decides where it is known. */
static const struct {
	const char *part;
	struct etcd_verdict verdict;
} texts[] = {
	{ "required revision has been compacted", { .error = SM_ECOMPACTED } },
	{ "requested lease not found", { .error = SM_ENOENT } },
	{ "too many requests", { .error = SM_EUNAVAILABLE } },
	{ "invalid auth token", { .error = SM_EREFUSED, .token = true } },
	{ "user name is empty", { .error = SM_EREFUSED, .token = true } },
	{ "revision of auth store is old", { .error = SM_EREFUSED, .token = true } },
	{ "authentication is not enabled", { .error = SM_EREFUSED, .no_auth = true } },
	{ "permission denied", { .error = SM_EREFUSED } },
	{ "database space exceeded", { .error = SM_EREFUSED } },
	{ "no leader", { .error = SM_EUNKNOWN } },
};

/* By gRPC code. Unavailable (14) is SM_EUNKNOWN, too: etcd says it for requests that timed out after they were proposed. */
static const int codes[] = {
	[1] = SM_EUNKNOWN,  /* canceled */
	[2] = SM_EUNKNOWN,  /* unknown */
	[3] = SM_EREFUSED,  /* invalid argument */
	[4] = SM_EUNKNOWN,  /* deadline exceeded */
	[5] = SM_EREFUSED,  /* not found */
	[6] = SM_EREFUSED,  /* already exists */
	[7] = SM_EREFUSED,  /* permission denied */
	[8] = SM_EREFUSED,  /* resource exhausted */
	[9] = SM_EREFUSED,  /* failed precondition */
	[10] = SM_EUNKNOWN, /* aborted */
	[11] = SM_EREFUSED, /* out of range */
	[12] = SM_EREFUSED, /* unimplemented */
	[13] = SM_EUNKNOWN, /* internal */
	[14] = SM_EUNKNOWN, /* unavailable */
	[15] = SM_EUNKNOWN, /* data loss */
	[16] = SM_EREFUSED  /* unauthenticated */
};

struct etcd_verdict etcd_error_judge_text(const char *text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strstr(text, texts[i].part))
			return texts[i].verdict;
	return (struct etcd_verdict){ .error = SM_EUNKNOWN };
}

static bool is_known_text(const char *text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strstr(text, texts[i].part))
			return true;
	return false;
}

static const char *first_string(const json_t *object, const char *const *names)
{
	const char *text = NULL;

	for (; !text && *names; names++)
		text = json_string_value(json_object_get(object, *names));
	return text;
}

struct etcd_verdict etcd_error_judge(long status, const json_t *body, struct why *why)
{
	static const char *const message_names[] = { "message", "error", NULL };
	static const char *const code_names[] = { "code", "grpc_code", NULL };
	const json_t *error = json_object_get(body, "error"), *code = NULL;
	const char *message;
	json_int_t number;

	if (json_is_object(error)) /* streams wrap it once more */
		body = error;
	else if (status >= 200 && status < 300 && !error)
		return (struct etcd_verdict){ 0 };
	message = first_string(body, message_names);
	for (size_t i = 0; !code && code_names[i]; i++)
		code = json_object_get(body, code_names[i]);
	number = json_is_integer(code) ? json_integer_value(code) : -1;
	why_set(why, 0, "%s (HTTP status %ld)", message ? message : "an answer without a message; is this an etcd?",
	        status);
	if (message && is_known_text(message))
		return etcd_error_judge_text(message);
	if (number > 0 && number < (json_int_t)(sizeof(codes) / sizeof(codes[0])))
		return (struct etcd_verdict){ .error = codes[number] };
	/* Something between us and etcd, or no etcd at all. */
	return (struct etcd_verdict){ .error = status >= 400 && status < 500 && status != 408 ? SM_EREFUSED
		                                                                              : SM_EUNKNOWN };
}
