/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What is left of deleted services: del-spec leaves a mark in etcd when sessions or claims are there still; when the last of them is gone, the
 * rest of P/app/S/ is swept. Services without a mark are never touched: they may be another manager's.
 */
#ifndef SYNC_SWEEP_H
#define SYNC_SWEEP_H

#include "sync_context.h"

struct sync_sweep;

struct sync_sweep *sync_sweep_new(struct sync_context *context); /* NULL: out of memory */
void sync_sweep_free(struct sync_sweep *sweep);

/* From the hooks: the mark of a service (0: it went); a session or a claim of the service went. */
void sync_sweep_mark(struct sync_sweep *sweep, const char *service, int64_t mod_revision);
void sync_sweep_went(struct sync_sweep *sweep, const char *service);
/* A view is being filled: forget the marks. */
void sync_sweep_loading(struct sync_sweep *sweep);
/* It is loaded. Not fresh: the marks are not known and are listed. */
void sync_sweep_loaded(struct sync_sweep *sweep, bool fresh);
/* Changes are in the view: sweep what can be. */
void sync_sweep_published(struct sync_sweep *sweep);

#endif
