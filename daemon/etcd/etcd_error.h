/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a refusal of etcd means for the one who asked. Pure.
 */
#ifndef ETCD_ERROR_H
#define ETCD_ERROR_H

#include "../common/why.h"

#include <jansson.h>
#include <stdbool.h>

struct etcd_verdict {
	/* 0, or as in etcd.h: SM_EUNKNOWN for everything that does not say for certain that the request was not executed; SM_ENOENT for a
	 * lease that does not exist. */
	int error;
	bool token;   /* not executed because the token is not good (any more): get another and ask again */
	bool no_auth; /* this etcd has authentication switched off */
};

/* The verdict on an answer with this HTTP status. body: the parsed answer, NULL when it is no JSON object. why: etcd's own words. */
struct etcd_verdict etcd_error_judge(long status, const json_t *body, struct why *why);
/* The verdict on a text alone, as in the cancel_reason of a watch; error is SM_EUNKNOWN when the text is not known. */
struct etcd_verdict etcd_error_judge_text(const char *text);

#endif
