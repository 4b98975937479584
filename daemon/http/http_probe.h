/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What whoever runs smd asks: /livez (the loop runs) and /readyz (what is answered here is true now).
 */
#ifndef HTTP_PROBE_H
#define HTTP_PROBE_H

#include "http_app.h"

#define HTTP_PROBE_AGE_MS 30000 /* a view that sync has not confirmed for longer is not "now" */

http_route_fn http_probe_live, http_probe_ready;

#endif
