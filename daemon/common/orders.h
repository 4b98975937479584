/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What the balancer says to a container of ours, over HTTP on the address that is its id. (sm-go's add-shard and drop-shard are served,
 * too: one order each, answered when it has ended.)
 *
 *     POST /sm/admin/shards
 *         {"service":"S","orders":[{"op":"add","id":"s1","replica":0,"spec":{shard spec}},{"op":"drop","id":"s2","replica":0},…]}
 *         "orders":[] asks whether it takes any: 200 and no line, or 503
 *     200, application/x-ndjson, chunked: a line when an order has ended, in that order; the stream ends after the last
 *         {"op":"add","id":"s1","replica":0,"code":0,"error":"","token":"72057594037928013"}
 *     400 {"error":"…"}              the whole batch is malformed or for another service; nothing was done
 *     503 {"error":"…"}              no session now (opening, suspended, stopping): ask again when the view has changed
 *
 * An order is a wish, repeated whenever the plan and the claims disagree: the newest one for a shard counts, an older one that it overtakes
 * ends with SM_ECONFLICT. Add of a shard that is held, and drop of one that is not, end at once with 0; but a drop first makes sure that no
 * claim in etcd names this container. code: enum sm_error; ORDERS_FAILED when the application's add said no, its text in error. A broken
 * connection tells nothing; the claims in the view do.
 */
#ifndef ORDERS_H
#define ORDERS_H

#define ORDERS_PATH "/sm/admin/shards"
#define ORDERS_PER_REQUEST 10000 /* most orders in one request */
#define ORDERS_BYTES (16u * 1024u * 1024u)
#define ORDERS_FAILED (-100)

#endif
