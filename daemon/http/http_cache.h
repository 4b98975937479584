/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Rendered answers, kept as long as the view says that nothing has changed: an entry is good while the view's generation (a new segment
 * gives a new one) and the service's version word are those that it was rendered from. Knows nothing of the view or of JSON.
 */
#ifndef HTTP_CACHE_H
#define HTTP_CACHE_H

#include "http_body.h"

#include <stdint.h>

struct http_cache;

struct http_cache_stamp {
	uint64_t generation, version;
};

/* most_bytes: of all bodies together; what does not fit is simply not kept. NULL: out of memory. */
struct http_cache *http_cache_new(size_t most_bytes);
void http_cache_free(struct http_cache *cache);

/* The body kept for (kind, name) if its stamp equals stamp, else NULL. Borrowed until the next put. */
struct http_body *http_cache_get(
        struct http_cache *cache, unsigned kind, const char *name, struct http_cache_stamp stamp);
/* Keeps body (a hold of its own), in the place of an older one. */
void http_cache_put(struct http_cache *cache, unsigned kind, const char *name, struct http_cache_stamp stamp,
        struct http_body *body);

#endif
