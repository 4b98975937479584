/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "sync_gone.h"

static bool read_gone(const struct view *view, const struct sync_sessions *sessions, const char *service, uint32_t row,
        struct sync_free_claim *ret_claim)
{
	struct view_shard shard;
	struct view_container container;
	uint32_t container_row;

	view_shard_get(view, row, &shard);
	if (shard.claim_container == 0)
		return false;
	container_row = view_container_by_number(view, shard.claim_container);
	if (container_row == VIEW_NONE)
		return false;
	view_container_get(view, container_row, &container);
	if (sync_sessions_present(sessions, service, container.id, shard.claim_incarnation))
		return false;
	*ret_claim = (struct sync_free_claim){ .service = service,
		.shard = shard.id,
		.container = container.id,
		.replica = shard.replica,
		.belief_ms = shard.belief_ms,
		.incarnation = shard.claim_incarnation,
		.mod_revision = shard.claim_mod_revision };
	return true;
}

void sync_gone_each(const struct view *view, const struct sync_sessions *sessions, const char *service,
        sync_gone_fn *found, void *arg)
{
	uint32_t service_row = view_service_find(view, service);
	struct view_service of;
	struct sync_free_claim claim;

	if (service_row == VIEW_NONE)
		return;
	view_service_get(view, service_row, &of);
	if (of.claim_count == 0)
		return;
	for (uint32_t row = view_shard_first(view, service_row); row != VIEW_NONE; row = view_shard_next(view, row))
		if (read_gone(view, sessions, service, row, &claim))
			found(arg, &claim);
}
