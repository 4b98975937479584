/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What etcd's JSON gateway sends, taken apart: 64-bit numbers come as strings, bytes as base64, and whatever is zero, false or empty is
 * left out. Wrong types, numbers out of range and broken base64 are SM_EPROTO; an absent member is zero. Outputs are untouched on failure.
 */
#ifndef ETCD_JSON_H
#define ETCD_JSON_H

#include "etcd.h"
#include "etcd_arena.h"

#include <jansson.h>

int etcd_json_int64(const json_t *object, const char *name, int64_t *ret_number);
int etcd_json_uint64(const json_t *object, const char *name, uint64_t *ret_number);
int etcd_json_bool(const json_t *object, const char *name, bool *ret_bool);
/* The array of that name; *ret_array NULL when absent. */
int etcd_json_array(const json_t *object, const char *name, const json_t **ret_array);
/* The object of that name; *ret_object NULL when absent. */
int etcd_json_object(const json_t *object, const char *name, const json_t **ret_object);
/* object's "header", which must be there with a revision. */
int etcd_json_header(const json_t *object, struct etcd_header *ret_header);
int etcd_json_kv(const json_t *object, struct etcd_arena *arena, struct etcd_kv *ret_kv);
/* object's "kvs"; may be absent. */
int etcd_json_kvs(const json_t *object, struct etcd_arena *arena, struct etcd_kv **ret_kvs, size_t *ret_count);

#endif
