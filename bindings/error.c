/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Texts of the error codes, and the version.
 */
#include "shardmgr.h"

#include <stddef.h>

static const char *const texts[] = {
	[-SM_OK] = "ok",
	[-SM_EINVAL] = "invalid argument",
	[-SM_ENOMEM] = "out of memory",
	[-SM_ESYSTEM] = "a system call failed",
	[-SM_ENOENT] = "no such thing",
	[-SM_EEXIST] = "exists already",
	[-SM_ECONFLICT] = "somebody else changed it first",
	[-SM_EUNAVAILABLE] = "nobody could be reached",
	[-SM_EUNKNOWN] = "the answer was lost: it may have happened",
	[-SM_EREFUSED] = "refused by the other side",
	[-SM_ETIMEDOUT] = "timed out",
	[-SM_ECOMPACTED] = "that revision of the store is gone",
	[-SM_EVERSION] = "written by an incompatible version",
	[-SM_ELAGGED] = "fell behind the change ring",
	[-SM_ECLOSED] = "closed",
	[-SM_EPROTO] = "the other side broke the protocol",
	[-SM_EFORKED] = "called in a forked child",
	[-SM_ENOTSUP] = "not supported by this version",
};

const char *sm_error_text(int error)
{
	if (error > 0 || error < SM_ENOTSUP)
		return "unknown error";
	return texts[-error];
}

const char *sm_version(void)
{
	return SM_VERSION;
}
