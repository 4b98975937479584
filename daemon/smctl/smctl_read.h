/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smctl's commands that show services, shards, workers and containers.
 */
#ifndef SMCTL_READ_H
#define SMCTL_READ_H

#include "smctl.h"

smctl_command_fn smctl_service_list, smctl_service_show, smctl_shard_list, smctl_worker_list, smctl_container_list;

#endif
