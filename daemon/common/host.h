/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What this host has and uses, as heartbeats report it.
 */
#ifndef HOST_H
#define HOST_H

#include <jansson.h>

/* {"virtualMemoryStat","cpuUsedPercent","diskIOCountersStat","netIOCountersStat"} from /proc; what cannot be read is zero. New reference;
 * NULL when out of memory. */
json_t *host_figures(void);

#endif
