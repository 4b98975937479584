/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Base64, standard alphabet, padded.
 */
#include "etcd_base64.h"

#include <stdint.h>

static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NO 64
/* Indexed by the character; NO = not of the alphabet. */
static const uint8_t values[256] = {
#define NO4 NO, NO, NO, NO
#define NO16 NO4, NO4, NO4, NO4
	NO16, NO16, NO4, NO4, NO, NO, NO, 62, NO, NO, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO,
	NO, NO, NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO,
	NO, NO, NO, NO, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
	49, 50, 51, NO, NO, NO, NO, NO, NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16
};

void etcd_base64_encode(const void *data, size_t bytes, char *ret_text)
{
	const uint8_t *in = data;
	uint32_t group;

	for (; bytes >= 3; bytes -= 3, in += 3, ret_text += 4) {
		group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		ret_text[0] = alphabet[group >> 18];
		ret_text[1] = alphabet[group >> 12 & 63];
		ret_text[2] = alphabet[group >> 6 & 63];
		ret_text[3] = alphabet[group & 63];
	}
	if (bytes == 0)
		return;
	group = (uint32_t)in[0] << 16 | (bytes == 2 ? (uint32_t)in[1] << 8 : 0);
	ret_text[0] = alphabet[group >> 18];
	ret_text[1] = alphabet[group >> 12 & 63];
	ret_text[2] = bytes == 2 ? alphabet[group >> 6 & 63] : '=';
	ret_text[3] = '=';
}

/* The last group, which may be padded: 0 = wrong, else its bytes. */
static size_t decode_last(const uint8_t *text, uint8_t *out)
{
	size_t length = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
	uint8_t a = values[text[0]], b = values[text[1]];
	uint8_t c = length > 1 ? values[text[2]] : 0, d = length > 2 ? values[text[3]] : 0;

	if ((a | b | c | d) & NO || (length == 1 && b & 15) || (length == 2 && c & 3))
		return 0;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (length > 1)
		out[1] = (uint8_t)(b << 4 | c >> 2);
	if (length > 2)
		out[2] = (uint8_t)(c << 6 | d);
	return length;
}

bool etcd_base64_decode(const char *text, size_t text_bytes, void *ret_data, size_t *ret_bytes)
{
	const uint8_t *in = (const uint8_t *)text;
	uint8_t *out = ret_data, a, b, c, d;
	size_t last;

	*ret_bytes = 0;
	if (text_bytes == 0)
		return true;
	if (text_bytes % 4)
		return false;
	for (; text_bytes > 4; text_bytes -= 4, in += 4, out += 3) {
		a = values[in[0]];
		b = values[in[1]];
		c = values[in[2]];
		d = values[in[3]];
		if ((a | b | c | d) & NO)
			return false;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	last = decode_last(in, out);
	*ret_bytes = (size_t)(out - (uint8_t *)ret_data) + last;
	return last > 0;
}
