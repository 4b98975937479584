/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The front's mapping of the view: opened when there is one, refreshed before every read, and a generation that changes with the segment.
 */
#ifndef HTTP_VIEW_H
#define HTTP_VIEW_H

#include "common/why.h"

#include <stdint.h>

struct view;
struct http_view;

struct http_view *http_view_new(const char *runtime_dir); /* NULL: out of memory */
void http_view_free(struct http_view *view);

/* The newest view for one read: its rows and strings are good until the next call. NULL when there is none, with the reason in why. */
const struct view *http_view_refresh(struct http_view *view, struct why *why);
uint64_t http_view_generation(const struct http_view *view);
/* ms since sync last heard from etcd that the view is in step; -1 never */
int64_t http_view_age_ms(const struct view *view);

#endif
