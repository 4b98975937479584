/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * usage: sync_role                          the sync process alone, for tests that play its supervisor (common/role.h tells what the
 *                                           descriptors 3 to 6 are)
 *        sync_role --cut DIR PREFIX MANAGER leaves the view in DIR as a sync process does that dies inside a publish
 */
#include "common/role.h"
#include "view_writer.h"

#include <string.h>
#include <unistd.h>

static int cut(const char *dir, const char *prefix, const char *manager)
{
	const struct view_identity identity = { .prefix = prefix, .manager_service = manager };
	struct view_writer *writer;
	bool resumable;

	if (view_writer_open(dir, &identity, &writer, &resumable) != 0 || !resumable)
		return 1;
	view_writer_begin(writer);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--cut") == 0)
		return cut(argv[2], argv[3], argv[4]);
	return sync_main();
}
