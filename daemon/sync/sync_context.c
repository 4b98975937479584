/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "sync_context.h"

#include "../common/clocks.h"

const char sync_context_unknown[] = "etcd did not answer in time: the change may have happened or may still happen; "
                                    "look whether it is there before asking again";

int64_t sync_context_revision(struct sync_context *context, int64_t header_revision, bool changed)
{
	if (changed && header_revision > context->changed_revision)
		context->changed_revision = header_revision;
	return header_revision < context->changed_revision ? header_revision : context->changed_revision;
}

uint64_t sync_context_deadline_ms(void)
{
	return clocks_now().boot_ns / 1000000u + SYNC_COMMAND_MS;
}
