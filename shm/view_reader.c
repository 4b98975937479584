/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_reader.h"
