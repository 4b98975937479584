/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The head of an HTTP/1.x request (RFC 9112), as far as a container's few endpoints need it: a pure parser.
 */
#ifndef CONTAINER_REQUEST_H
#define CONTAINER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_REQUEST_PATH_BYTES 256

struct container_request {
	char method[8];
	char path[CONTAINER_REQUEST_PATH_BYTES]; /* without query; not decoded */
	size_t content_bytes;
	bool keep_alive;
	bool expects_continue;
};

/* head is everything up to and with the empty line. 0, or the HTTP status to refuse with and *ret_error, static, why:
 * 400 malformed, 403 sent by a web page (has Origin), 411 chunked, 413 longer than most_bytes, 414, 501, 505. */
int container_request_parse(const char *head, size_t head_bytes, size_t most_bytes,
        struct container_request *ret_request, const char **ret_error);

#endif
