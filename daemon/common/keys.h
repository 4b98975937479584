/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The one place where etcd keys are joined and taken apart. With P = etcdPrefix, M = the manager's service, S = a governed service,
 * C = a container id ("host:port"):
 *
 *     P/store                                   the store incarnation
 *     P/app/M/service/S/spec                    service spec            P/app/M/service/S/shard/<id>   shard spec
 *     P/app/M/service/S/workerpool/<group>/<C>  worker                  P/app/M/service/M/shard/<S>    governing S is a shard of M
 *     P/app/S/containerhb/                      a place for watches     P/app/S/containerhb/<C>/<lease hex>  session of C
 *     P/app/S/shardhb/<id>                      claim of replica 0      P/app/S/shardhb/<id>/<r>             claim of replica r > 0
 *     P/app/S/s/<C>/<id>  P/app/S/lease/…       sm-go's own             P/app/S/ctl/…                  ours
 *     P/app/M/ctl/deleted/<S>                   S was deleted and P/app/S/ is not swept yet
 *
 * Nothing else in the tree builds a key. Every part is checked here, so a key can never leave its directory.
 */
#ifndef KEYS_H
#define KEYS_H

#include "why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_ID_BYTES 128             /* longest id */
#define KEYS_TASK_BYTES (64u * 1024u) /* longest task text */
#define KEYS_REPLICA_MAX 65535u       /* largest replica number: the view has 16 bits for it */
#define KEYS_BYTES 1024               /* longest key, NUL included */

enum keys_part { KEYS_PART_ID, KEYS_PART_CONTAINER };
/* Shard, service and worker-group ids: [A-Za-z0-9._:-]{1,128}; container ids also '[' and ']'; neither "." nor "..". SM_EINVAL
 * with the character and place; what names the field in the text ("shardId", "service"). */
int keys_check(enum keys_part part, const char *what, const char *text, struct why *why);
/* As keys_check for a container, and of the form host:port, [v6]:port; port 1..65535, or 0 when allow_port_zero. */
int keys_check_address(const char *what, const char *text, bool allow_port_zero, struct why *why);
/* etcdPrefix: absolute, ids joined by single '/', no trailing '/', at most 128 bytes. */
int keys_check_prefix(const char *text, struct why *why);

struct keys {
	char prefix[KEYS_ID_BYTES + 1], manager[KEYS_ID_BYTES + 1];
};
int keys_init(struct keys *keys, const char *prefix, const char *manager, struct why *why);

enum keys_kind {
	KEYS_OTHER = 0,    /* under P/, but none of ours, or with an id that we do not accept: listed, left alone */
	KEYS_STORE,        /* no parts */
	KEYS_SERVICE_SPEC, /* service */
	KEYS_SHARD_SPEC,   /* service, shard; service = M: the shard is a governed service */
	KEYS_WORKER,       /* service, group, container */
	KEYS_HEARTBEATS,   /* service: the place for watches */
	KEYS_SESSION,      /* service, container, lease */
	KEYS_CLAIM,        /* service, shard, replica */
	KEYS_SMGO_SHARD,   /* service, container, shard: P/app/S/s/<C>/<shard> */
	KEYS_SMGO_LEASE,   /* service: P/app/S/lease/… */
	KEYS_LEADER,       /* lease: P/app/M/leader/<lease hex> */
	KEYS_DELETED,      /* service: P/app/M/ctl/deleted/<S> */
	KEYS_CTL           /* service: P/app/S/ctl/… */
};
struct keys_parts {
	enum keys_kind kind;
	char service[KEYS_ID_BYTES + 1], shard[KEYS_ID_BYTES + 1], group[KEYS_ID_BYTES + 1],
	        container[KEYS_ID_BYTES + 1];
	uint32_t replica;
	int64_t lease;
};

/* Joins an exact key. SM_EINVAL when a part that this kind needs is missing or not acceptable. ret_key holds KEYS_BYTES. */
int keys_join(const struct keys *keys, const struct keys_parts *parts, char *ret_key, struct why *why);
/* Takes a key apart; KEYS_OTHER when it is none of ours. key need not be terminated. */
void keys_split(const struct keys *keys, const char *key, size_t key_bytes, struct keys_parts *ret_parts);

/* Prefixes; each ends in '/', so s1 never covers s10. range_end for etcd is etcd_prefix_end() of it. */
enum keys_prefix {
	KEYS_PREFIX_ALL,                /* P/ */
	KEYS_PREFIX_SERVICE_SHARDS,     /* P/app/M/service/S/shard/ */
	KEYS_PREFIX_SERVICE_CONFIG,     /* P/app/M/service/S/ */
	KEYS_PREFIX_SERVICE_STATE,      /* P/app/S/ */
	KEYS_PREFIX_SESSIONS,           /* P/app/S/containerhb/ */
	KEYS_PREFIX_CONTAINER_SESSIONS, /* P/app/S/containerhb/<C>/ */
	KEYS_PREFIX_CLAIMS,             /* P/app/S/shardhb/ */
	KEYS_PREFIX_MANAGED,            /* P/app/S/service/: what S manages, should it be a manager itself */
	KEYS_PREFIX_DELETED             /* P/app/M/ctl/deleted/ */
};
int keys_join_prefix(const struct keys *keys, enum keys_prefix kind, const char *service, const char *container,
        char *ret_key, struct why *why);

#endif
