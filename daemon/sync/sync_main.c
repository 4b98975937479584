/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Placeholder until the role lands: ends with an error that says so.
 */
#include "common/log.h"
#include "common/role.h"

int sync_main(void)
{
	fatalx("the sync role is not built yet");
}
