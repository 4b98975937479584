/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smctl's commands that change services, shards and workers.
 */
#ifndef SMCTL_WRITE_H
#define SMCTL_WRITE_H

#include "smctl.h"

smctl_command_fn smctl_service_add, smctl_service_update, smctl_service_delete, smctl_shard_add, smctl_shard_update,
        smctl_shard_delete, smctl_worker_add, smctl_worker_delete;

#endif
