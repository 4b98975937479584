/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * smctl status and health.
 */
#ifndef SMCTL_STATUS_H
#define SMCTL_STATUS_H

#include "smctl.h"

smctl_command_fn smctl_status, smctl_health;

#endif
