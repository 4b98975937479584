/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The JSON values under those keys: parsed and printed in one place, for the daemon and for libshardmgr. Unknown fields are ignored,
 * absent ones are zero or "", a field of the wrong type is SM_EPROTO with its name. Parsed records own their strings: free with
 * records_*_done. Printed texts are malloc'ed, compact, and the caller frees them; NULL when out of memory.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "why.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDS_PROTOCOL 1

struct record_service { /* {"service","createTime","maxShardCount","maxRecoveryTime"} */
	char *service;
	int64_t create_time, max_shard_count, max_recovery_time_s;
};
int records_service_parse(const char *text, size_t bytes, struct record_service *ret, struct why *why);
char *records_service_print(const struct record_service *record);
void records_service_done(struct record_service *record);

struct record_shard { /* {"id","service","task","updateTime","manualContainerId","group","workerGroup","lease":{"id","expire"}|null} */
	char *id, *service, *task, *pin, *group, *worker_group;
	int64_t update_time, lease_id, lease_expire;
};
int records_shard_parse(const char *text, size_t bytes, struct record_shard *ret, struct why *why);
int records_shard_from_json(const json_t *object, struct record_shard *ret, struct why *why);
char *records_shard_print(const struct record_shard *record);
json_t *records_shard_to_json(const struct record_shard *record); /* new reference */
void records_shard_done(struct record_shard *record);

struct record_claim { /* {"container","incarnation","beliefMs","ready","token"?} */
	char *container;
	int64_t incarnation;
	uint32_t belief_ms;
	bool ready;
	int64_t token; /* revision part; 0 = absent: the record's mod_revision is it */
};
int records_claim_parse(const char *text, size_t bytes, struct record_claim *ret, struct why *why);
char *records_claim_print(const struct record_claim *record);
void records_claim_done(struct record_claim *record);

/* 16 bits store incarnation, 48 bits revision */
static inline uint64_t records_token(uint64_t store_incarnation, int64_t revision)
{
	return store_incarnation << 48 | ((uint64_t)revision & ((UINT64_C(1) << 48) - 1));
}

int records_store_parse(
        const char *text, size_t bytes, uint64_t *ret_incarnation, struct why *why); /* {"incarnation"} */
char *records_store_print(uint64_t incarnation);

/* From a heartbeat only what the manager needs: is it one of ours, and which protocol. */
struct record_heartbeat {
	bool ours;
	int protocol;
};
int records_heartbeat_parse(const char *text, size_t bytes, struct record_heartbeat *ret, struct why *why);
/* Ours: memory, cpu and I/O of this host as in sm-go's, no "shards", and "shardmgr":{"protocol","labels","capabilities"}. labels: new
 * object or NULL, borrowed. */
char *records_heartbeat_print(const json_t *labels);

#endif
