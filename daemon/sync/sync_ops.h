/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The operations of the command link (common/command.h), one sync_start_fn each.
 */
#ifndef SYNC_OPS_H
#define SYNC_OPS_H

#include "sync_context.h"

sync_start_fn sync_ops_spec_add, sync_ops_spec_delete;
sync_start_fn sync_ops_update_spec, sync_ops_update_shard;
sync_start_fn sync_ops_shards_add, sync_ops_shards_delete;
sync_start_fn sync_ops_workers_add, sync_ops_workers_delete;

#endif
