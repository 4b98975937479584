/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The command link: http asks sync to change etcd. Sync listens on the UNIX socket COMMAND_SOCKET in the runtime
 * directory, whose listening descriptor belongs to the supervisor, so a connect waits while sync restarts. A connection
 * that breaks makes the outcome of what was not answered unknown: the asker says so, it does not repeat.
 *
 * request  {"id":n,"op":"add-shards","args":{…}}
 * reply    {"id":n,"code":0,"error":"","results":[{"id":"s1","code":0,"error":""},…]}      code: enum sm_error
 *
 * A reply with code 0 is sent when etcd has the change AND the view shows it.
 *
 *     add-spec       service, maxShardCount, maxRecoveryTime
 *     update-spec    service, and those of maxShardCount, maxRecoveryTime that change
 *     del-spec       service: spec, shards, workers, and M's shard of that name
 *     add-shards     service, shards:[{shardId,task,manualContainerId,group,workerGroup}]
 *     del-shards     service, shards:["s1",…]
 *     update-shard   service, shardId, and those of task, manualContainerId, group, workerGroup that change
 *     add-worker     service, workerGroup, worker
 *     del-worker     service, workerGroup, worker
 *
 * An add of what exists: SM_EEXIST for a shard, for a spec 0 and nothing changes. An update of what is absent: SM_ENOENT. A delete of what is
 * absent: 0. add-shards and del-shards have results, one per shard.
 *
 * Unknown service: SM_ENOENT, except where a delete of what is absent is 0. The service M itself: SM_EINVAL.
 */
#ifndef COMMAND_H
#define COMMAND_H

#define COMMAND_SOCKET "command.sock"
#define COMMAND_SHARDS 10000 /* most in one add-shards or del-shards */

#endif
