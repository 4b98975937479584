/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The sync process alone, for tests that play its supervisor (common/role.h tells what the descriptors 3 to 6 are).
 */
#include "common/role.h"

int main(void)
{
	return sync_main();
}
