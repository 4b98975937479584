/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * systemd's readiness protocol: datagrams to $NOTIFY_SOCKET. Without that variable nothing happens.
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <stdint.h>

/* state: lines as in sd_notify(3), "READY=1\nSTATUS=…". Failures are silent: there is nobody to tell. */
void supervisor_notify_send(const char *state);
/* How often WATCHDOG=1 is due, half of $WATCHDOG_USEC; 0 when systemd does not ask for it. */
uint64_t supervisor_notify_watchdog_ms(void);

#endif
