/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The routes that change something: the body is checked against the route's fields, sent to sync, and answered when sync has.
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "http_app.h"

http_route_fn http_write_plain; /* the fields are the arguments */
http_route_fn http_write_delete_spec;
http_route_fn http_write_shard, http_write_shard_delete; /* one shard: its result is the answer */
http_route_fn http_write_shards;                         /* many: a result for each */
http_route_fn http_write_govern, http_write_ungovern;    /* the manager as a container of its own service */

#endif
