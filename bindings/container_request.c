/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Strict where two readers of one request could differ: line ends, lengths, folded lines.
 */
#include "container_request.h"

#include <string.h>
#include <strings.h>

struct line {
	const char *text;
	size_t bytes;
};

static bool is_token(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] <= ' ' || text[i] == 127 || text[i] == ':')
			return false;
	}
	return bytes > 0;
}

/* Takes the next line off; false when there is none that ends in CR LF and is free of other control characters. */
static bool next_line(const char **at, const char *end, struct line *ret_line)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));

	if (!newline || newline == *at || newline[-1] != '\r')
		return false;
	*ret_line = (struct line){ *at, (size_t)(newline - 1 - *at) };
	for (size_t i = 0; i < ret_line->bytes; i++) {
		if (((unsigned char)ret_line->text[i] < ' ' && ret_line->text[i] != '\t') || ret_line->text[i] == 127)
			return false;
	}
	*at = newline + 1;
	return true;
}

static int refuse(const char **ret_error, int status, const char *error)
{
	*ret_error = error;
	return status;
}

static int parse_first(const struct line *line, struct container_request *request, const char **ret_error)
{
	const char *method_end = memchr(line->text, ' ', line->bytes);
	size_t method_bytes = method_end ? (size_t)(method_end - line->text) : 0;

	if (!is_token(line->text, method_bytes))
		return refuse(ret_error, 400, "the request line is not METHOD PATH HTTP/1.1");
	if (method_bytes >= sizeof request->method)
		return refuse(ret_error, 501, "no such method here");
	const char *path = method_end + 1, *end = line->text + line->bytes;
	const char *path_end = memchr(path, ' ', (size_t)(end - path));
	if (!path_end || path[0] != '/' || end - path_end != 9 || memcmp(path_end, " HTTP/", 6) != 0)
		return refuse(ret_error, 400, "the request line is not METHOD PATH HTTP/1.1");
	if (memcmp(path_end + 6, "1.", 2) != 0 || (path_end[8] != '0' && path_end[8] != '1'))
		return refuse(ret_error, 505, "HTTP/1.1 and HTTP/1.0 are spoken here");
	const char *query = memchr(path, '?', (size_t)(path_end - path));
	size_t path_bytes = (size_t)((query ? query : path_end) - path);
	if (path_bytes >= sizeof request->path)
		return refuse(ret_error, 414, "no path here is that long");
	memcpy(request->method, line->text, method_bytes);
	memcpy(request->path, path, path_bytes);
	request->keep_alive = path_end[8] == '1';
	return 0;
}

static bool is(const struct line *part, const char *name)
{
	return part->bytes == strlen(name) && strncasecmp(part->text, name, part->bytes) == 0;
}

static int parse_length(const struct line *value, bool seen, size_t most_bytes, size_t *length, const char **ret_error)
{
	size_t bytes = 0;

	if (value->bytes == 0 || strspn(value->text, "0123456789") < value->bytes)
		return refuse(ret_error, 400, "Content-Length is not a number");
	for (size_t i = 0; i < value->bytes; i++) {
		bytes = bytes * 10 + (size_t)(value->text[i] - '0');
		if (bytes > most_bytes)
			return refuse(ret_error, 413, "the body is too long");
	}
	if (seen && bytes != *length)
		return refuse(ret_error, 400, "two different Content-Length");
	*length = bytes;
	return 0;
}

static int parse_field(const struct line *line, size_t most_bytes, bool *length_seen, struct container_request *request,
        const char **ret_error)
{
	const char *colon = memchr(line->text, ':', line->bytes);
	struct line name = { line->text, colon ? (size_t)(colon - line->text) : 0 };
	int status = 0;

	if (!is_token(name.text, name.bytes))
		return refuse(ret_error, 400, "a header line is not Name: value");
	struct line value = { colon + 1, line->bytes - name.bytes - 1 };
	while (value.bytes > 0 && (value.text[0] == ' ' || value.text[0] == '\t')) {
		value.text++;
		value.bytes--;
	}
	while (value.bytes > 0 && (value.text[value.bytes - 1] == ' ' || value.text[value.bytes - 1] == '\t'))
		value.bytes--;
	if (is(&name, "Content-Length")) {
		status = parse_length(&value, *length_seen, most_bytes, &request->content_bytes, ret_error);
		*length_seen = true;
	} else if (is(&name, "Transfer-Encoding")) {
		return refuse(ret_error, 411, "send a Content-Length instead of a Transfer-Encoding");
	} else if (is(&name, "Connection") && is(&value, "close")) {
		request->keep_alive = false;
	} else if (is(&name, "Connection") && is(&value, "keep-alive")) {
		request->keep_alive = true;
	} else if (is(&name, "Expect") && is(&value, "100-continue")) {
		request->expects_continue = true;
	} else if (is(&name, "Origin")) {
		/* The only senders are managers and people with curl; a browser that posts here was talked into it by some page. */
		return refuse(ret_error, 403, "requests from web pages are refused");
	}
	return status;
}

int container_request_parse(const char *head, size_t head_bytes, size_t most_bytes,
        struct container_request *ret_request, const char **ret_error)
{
	const char *at = head, *end = head + head_bytes;
	struct container_request request = { 0 };
	bool length_seen = false;
	struct line line;

	if (!next_line(&at, end, &line))
		return refuse(ret_error, 400, "the request line does not end in CR LF, or has control characters");
	int status = parse_first(&line, &request, ret_error);
	while (status == 0) {
		if (!next_line(&at, end, &line))
			return refuse(ret_error, 400, "a header line does not end in CR LF, or has control characters");
		if (line.bytes == 0)
			break;
		status = parse_field(&line, most_bytes, &length_seen, &request, ret_error);
	}
	if (status == 0)
		*ret_request = request;
	return status;
}
