/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Two lanes (creates, and the rest), each a queue of shards and a few transactions under way.
 */
#include "container_commit.h"

#include "shardmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDER_WAY 4u     /* transactions per lane: enough to keep etcd busy, few enough that the next ones fill up */
#define ITEM_BYTES 4096u /* more than any nested transaction of one operation */

struct lane {
	bool creates;
	struct container_shard *first, **last;
	unsigned under_way;
};

struct group {
	struct group *next;
	struct container_commit *commit;
	struct lane *lane;
	struct etcd_call *call;
	struct container_session_mark mark;
	size_t count;
	struct container_shard *shards[ETCD_TXN_NESTED];
};

struct container_commit {
	struct etcd *etcd;
	const struct container_identity *identity;
	struct container_session *session;
	const struct container_commit_handler *handler;
	void *arg;
	struct event *flush;
	struct lane lanes[2];
	struct group *groups; /* under way */
};

/* ---- building ---- */

static char *print_value(const struct container_commit *commit, const struct container_shard *shard, bool ready)
{
	struct record_claim record = {
		.container = (char *)commit->identity->id,
		.incarnation = shard->claim.incarnation,
		.belief_ms = commit->session->belief_ms,
		.ready = ready,
		.token = ready ? (int64_t)(shard->claim.token & ((UINT64_C(1) << 48) - 1)) : 0,
	};

	return records_claim_print(&record);
}

static int add_put(const struct container_commit *commit, const struct container_shard *shard, struct etcd_txn *txn,
        const char *key, bool ready)
{
	char *value = print_value(commit, shard, ready);

	if (!value)
		return SM_ENOMEM;
	etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), 0);
	free(value);
	return 0;
}

static int build_nested(
        const struct container_commit *commit, const struct container_shard *shard, struct etcd_txn *txn)
{
	char key[KEYS_BYTES];
	int error = container_identity_claim_key(commit->identity, shard->id, shard->replica, key, NULL);

	if (error)
		return error;
	switch (shard->claim.op) {
	case CONTAINER_CLAIM_CREATE:
		etcd_txn_if_create_revision(txn, key, 0);
		error = add_put(commit, shard, txn, key, false);
		break;
	case CONTAINER_CLAIM_READY:
		etcd_txn_if_mod_revision(txn, key, shard->claim.mod_revision);
		error = add_put(commit, shard, txn, key, true);
		break;
	case CONTAINER_CLAIM_RELEASE:
		etcd_txn_if_mod_revision(txn, key, shard->claim.mod_revision);
		etcd_txn_delete(txn, ETCD_THEN, key);
		break;
	case CONTAINER_CLAIM_READ:
	case CONTAINER_CLAIM_NO_OP:
		etcd_txn_get(txn, ETCD_THEN, key);
		break;
	}
	etcd_txn_get(txn, ETCD_ELSE, key);
	return error;
}

/* NULL when out of memory. */
static struct etcd_txn *build(const struct container_commit *commit, const struct group *group)
{
	struct etcd_txn *txn = etcd_txn_new();

	if (!txn)
		return NULL;
	if (group->lane->creates) {
		etcd_txn_if_create_revision(txn, commit->identity->session_key, group->mark.incarnation);
		etcd_txn_if_mod_revision(txn, commit->identity->store_key, commit->identity->store_mod_revision);
		etcd_txn_get(txn, ETCD_ELSE, commit->identity->session_key);
		etcd_txn_get(txn, ETCD_ELSE, commit->identity->store_key);
	}
	for (size_t i = 0; i < group->count; i++) {
		struct etcd_txn *nested = etcd_txn_new();
		if (!nested || build_nested(commit, group->shards[i], nested) != 0) {
			etcd_txn_free(nested);
			etcd_txn_free(txn);
			return NULL;
		}
		etcd_txn_nest(txn, ETCD_THEN, nested);
	}
	return txn;
}

/* ---- answers ---- */

static const struct etcd_kv *only_kv(const struct etcd_op_result *op)
{
	return op->kv_count > 0 ? &op->kvs[0] : NULL;
}

static void all(struct group *group, enum container_claim_event_type type, int code, const char *text)
{
	struct container_commit *commit = group->commit;
	struct container_claim_event event = { .type = type, .code = code, .text = text };

	for (size_t i = 0; i < group->count; i++)
		commit->handler->outcome(commit->arg, group->shards[i], &event);
}

static void on_nested(struct group *group, struct container_shard *shard, const struct etcd_header *header,
        const struct etcd_txn_result *nested)
{
	struct container_commit *commit = group->commit;
	struct container_claim_event event = { .type = CONTAINER_CLAIM_UNKNOWN };

	if (nested->succeeded && shard->claim.op != CONTAINER_CLAIM_READ) {
		event.type = CONTAINER_CLAIM_COMMITTED;
		event.mod_revision = header->revision;
		event.token = records_token(commit->identity->store_incarnation, header->revision);
	} else if (nested->count == 1 && container_identity_read(commit->identity, commit->session->incarnation,
	                                         only_kv(&nested->ops[0]), &event.record) == 0) {
		event.type = CONTAINER_CLAIM_FOUND;
	}
	commit->handler->outcome(commit->arg, shard, &event);
}

static void on_fenced(struct group *group, const struct etcd_txn_result *result)
{
	struct container_commit *commit = group->commit;
	const struct etcd_kv *session = result->count == 2 ? only_kv(&result->ops[0]) : NULL;
	bool gone = !session || session->create_revision != group->mark.incarnation;

	if (commit->session->incarnation == group->mark.incarnation)
		commit->handler->fenced(commit->arg, gone ? "the session key is no longer in etcd"
		                                          : "P/store was changed: etcd was restored from a backup");
	all(group, CONTAINER_CLAIM_FENCED, SM_EUNAVAILABLE, "");
}

static void on_answer(struct group *group, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct container_commit *commit = group->commit;

	commit->handler->answered(commit->arg, &group->mark, header, group->lane->creates && result->succeeded);
	if (!result->succeeded) {
		on_fenced(group, result);
	} else if (result->count != group->count) {
		all(group, CONTAINER_CLAIM_UNKNOWN, SM_EPROTO, "");
	} else {
		for (size_t i = 0; i < group->count; i++)
			on_nested(group, group->shards[i], header, &result->ops[i].nested);
	}
}

static void forget(struct group *group)
{
	struct group **at = &group->commit->groups;

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	group->lane->under_way--;
}

static void wake(struct container_commit *commit)
{
	event_active(commit->flush, EV_TIMEOUT, 0);
}

static void on_done(
        void *arg, int error, const char *why, const struct etcd_header *header, const struct etcd_txn_result *result)
{
	struct group *group = arg;

	forget(group);
	wake(group->commit);
	if (!error)
		on_answer(group, header, result);
	else if (error == SM_EUNAVAILABLE || error == SM_EREFUSED || error == SM_EINVAL)
		all(group, CONTAINER_CLAIM_UNSENT, error, why);
	else
		all(group, CONTAINER_CLAIM_UNKNOWN, error, why);
	free(group);
}

/* ---- sending ---- */

static struct container_shard *pop(struct lane *lane)
{
	struct container_shard *shard = lane->first;

	lane->first = shard->queued;
	if (!lane->first)
		lane->last = &lane->first;
	shard->queued = NULL;
	return shard;
}

static void send_group(struct container_commit *commit, struct lane *lane)
{
	struct group *group = calloc(1, sizeof *group);

	if (!group) {
		struct container_claim_event event = {
			.type = CONTAINER_CLAIM_UNSENT, .code = SM_ENOMEM, .text = sm_error_text(SM_ENOMEM)
		};
		commit->handler->outcome(commit->arg, pop(lane), &event);
		return;
	}
	_Static_assert(ETCD_TXN_NESTED * ITEM_BYTES < ETCD_REQUEST_BYTES, "a full group fits in a request");
	group->commit = commit;
	group->lane = lane;
	group->mark = container_session_send(commit->session, clocks_now());
	while (lane->first && group->count < ETCD_TXN_NESTED)
		group->shards[group->count++] = pop(lane);
	group->next = commit->groups;
	commit->groups = group;
	lane->under_way++;
	struct etcd_txn *txn = build(commit, group);
	group->call = txn ? etcd_txn_send(commit->etcd, txn, on_done, group) : NULL;
	if (!group->call)
		on_done(group, SM_EUNAVAILABLE, sm_error_text(SM_ENOMEM), NULL, NULL);
}

/* The session has ended: nothing of it is sent any more. */
static void fence_queue(struct container_commit *commit, struct lane *lane)
{
	struct container_claim_event event = { .type = CONTAINER_CLAIM_FENCED };

	while (lane->first)
		commit->handler->outcome(commit->arg, pop(lane), &event);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct container_commit *commit = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < 2; i++) {
		struct lane *lane = &commit->lanes[i];
		if (lane->creates && commit->session->incarnation == 0)
			fence_queue(commit, lane);
		while (lane->first && lane->under_way < UNDER_WAY)
			send_group(commit, lane);
	}
}

void container_commit_add(struct container_commit *commit, struct container_shard *shard)
{
	struct lane *lane = &commit->lanes[shard->claim.op == CONTAINER_CLAIM_CREATE ? 0 : 1];

	shard->queued = NULL;
	*lane->last = shard;
	lane->last = &shard->queued;
	wake(commit);
}

int container_commit_new(struct event_base *base, struct etcd *etcd, const struct container_identity *identity,
        struct container_session *session, const struct container_commit_handler *handler, void *arg,
        struct container_commit **ret_commit)
{
	struct container_commit *commit = calloc(1, sizeof *commit);

	if (!commit)
		return SM_ENOMEM;
	commit->flush = event_new(base, -1, 0, on_flush, commit);
	if (!commit->flush) {
		free(commit);
		return SM_ENOMEM;
	}
	commit->etcd = etcd;
	commit->identity = identity;
	commit->session = session;
	commit->handler = handler;
	commit->arg = arg;
	for (size_t i = 0; i < 2; i++)
		commit->lanes[i].last = &commit->lanes[i].first;
	commit->lanes[0].creates = true;
	*ret_commit = commit;
	return 0;
}

void container_commit_free(struct container_commit *commit)
{
	if (!commit)
		return;
	for (struct group *group = commit->groups, *next; group; group = next) {
		next = group->next;
		etcd_cancel(group->call);
		free(group);
	}
	event_free(commit->flush);
	free(commit);
}
