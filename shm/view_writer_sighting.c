/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "shardmgr.h"
#include "view_grow.h"
#include "view_sighting.h"

static int put_sighting(struct view_writer *writer, const void *arg)
{
	return view_sighting_put(&writer->store, arg);
}

int view_writer_sighting_put(struct view_writer *writer, const struct view_sighting *sighting)
{
	return sighting->incarnation > 0 ? view_grow_run(writer, put_sighting, sighting) : SM_EINVAL;
}

bool view_writer_sighting_get(const struct view_writer *writer, int64_t incarnation, struct view_sighting *ret_sighting)
{
	return view_sighting_get(&writer->store.view, incarnation, ret_sighting);
}

void view_writer_sighting_remove(struct view_writer *writer, int64_t incarnation)
{
	view_sighting_remove(&writer->store, incarnation);
}

void view_writer_sighting_clear(struct view_writer *writer)
{
	if (writer->store.fd >= 0)
		view_sighting_clear(&writer->store);
}

uint64_t view_writer_sighting_incarnation(const struct view_writer *writer)
{
	return writer->same_boot ? view_store_incarnation(&writer->store.view) : 0;
}
