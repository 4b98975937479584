/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The command link: http (and later the balancer) ask sync to change etcd. Sync listens on the UNIX socket COMMAND_SOCKET in the runtime
 * directory, whose listening descriptor belongs to the supervisor, so a connect waits while sync restarts. A connection
 * that breaks makes the outcome of what was not answered unknown: the asker says so, it does not repeat.
 *
 * request  {"id":n,"op":"add-shards","args":{…}}
 * reply    {"id":n,"code":0,"error":"","results":[{"id":"s1","code":0,"error":""},…]}      code: enum sm_error
 *
 * A reply with code 0 is sent when etcd has the change AND the view shows it.
 *
 *   op            args                                                                     notes
 *   add-spec      service, maxShardCount, maxRecoveryTime                                  exists: 0, nothing changes
 *   update-spec   service, and those of maxShardCount, maxRecoveryTime that change         SM_ENOENT
 *   del-spec      service                                                                  absent: 0. Removes spec, shards, workers and M's
 * shard add-shards    service, shards:[{shardId,task,manualContainerId,group,workerGroup}]     results; SM_EEXIST per shard del-shards
 * service, shards:["s1",…]                                                 results; absent: 0 update-shard  service, shardId, and those of
 * task, manualContainerId, group, workerGroup that change   SM_ENOENT add-worker    service, workerGroup, worker del-worker    service,
 * workerGroup, worker                                             absent: 0
 *
 * Unknown service: SM_ENOENT, except where a delete of what is absent is 0. The service M itself: SM_EINVAL.
 */
#ifndef COMMAND_H
#define COMMAND_H

#define COMMAND_SOCKET "command.sock"
#define COMMAND_SHARDS 10000 /* most in one add-shards or del-shards */

#endif
