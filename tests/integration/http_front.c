/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The http role alone, for test_http_front.py: whoever starts it plays supervisor and sync.
 */
#include "common/role.h"

int main(void)
{
	return http_main();
}
