/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Writer and readers as threads on one mapping: what ThreadSanitizer can watch. Two more readers map the segment themselves and follow it
 * through growth.
 */
#include "shardmgr.h"
#include "view_help.h"

#include <pthread.h>

#define SHARDS 200u
#define BATCHES 400
#define CONTAINERS 5u

struct shared {
	const struct view *view; /* NULL: open one of dir */
	const char *dir;
	int done, failures;
	int readers; /* that have read everything once */
};

static void put(struct view_writer *writer, uint64_t i, uint64_t token)
{
	char id[32], container[32], task[32];
	snprintf(id, sizeof(id), "k%u", (unsigned)i);
	snprintf(container, sizeof(container), "h:%u", (unsigned)(token % CONTAINERS));
	snprintf(task, sizeof(task), "t%u", (unsigned)token);
	struct view_shard_spec spec = { .group = container, .task = task, .spec_revision = (int64_t)token };
	struct view_session session = { .incarnation = 1, .ours = true, .heartbeat = task };
	struct view_claim claim = { .container = container,
		.incarnation = 1,
		.mod_revision = (int64_t)token,
		.token_revision = token,
		.ready = true };
	assert_int_equal(view_writer_shard_put(writer, "s", id, 0, &spec), 0);
	assert_int_equal(view_writer_claim_put(writer, "s", id, 0, &claim), 0);
	assert_int_equal(view_writer_container_put(writer, "s", container, &session, (int64_t)token), 0);
}

/* false: something does not fit together. */
static bool read_shards(const struct view *view, uint32_t service)
{
	bool right = true;
	unsigned count = 0;
	uint64_t version = view_service_version(view, service);
	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row)) {
		struct view_shard shard;
		struct view_owner owner;
		char task[32];
		view_shard_get(view, row, &shard);
		count += shard.id[0] == 'k';
		if (shard.id[0] != 'k')
			continue;
		right = right && view_help_lookup(view, "s", shard.id, &owner) && owner.container != 0;
		snprintf(task, sizeof(task), "t%u", (unsigned)(shard.claim_token));
		if (strcmp(task, shard.task) != 0 && !(version & VIEW_CHANGING) &&
		        view_service_version(view, service) == version)
			right = false;
	}
	for (uint32_t row = view_container_first(view, service); row != VIEW_NONE;
	        row = view_container_next(view, row)) {
		struct view_container container;
		view_container_get(view, row, &container);
		right = right && container.id[0] == 'h' && container.heartbeat[0] == 't';
	}
	for (uint32_t row = view_worker_first(view, service); row != VIEW_NONE; row = view_worker_next(view, row)) {
		struct view_worker worker;
		view_worker_get(view, row, &worker);
		right = right && worker.group[0] == 'g' && worker.container[0] == 'h';
	}
	return right && count == SHARDS;
}

static bool read_changes(const struct view *view, uint64_t *cursor)
{
	struct view_change changes[32];
	int count = view_change_read(view, cursor, changes, 32);
	if (count == SM_ELAGGED)
		*cursor = view_change_cursor(view);
	for (int i = 0; i < count; i++) {
		if (changes[i].kind < VIEW_SERVICE || changes[i].kind > VIEW_HEARTBEAT || changes[i].revision == 0)
			return false;
	}
	return true;
}

static void *read_loop(void *arg)
{
	struct shared *shared = arg;
	struct view *own = NULL;
	uint64_t cursor = 0;
	if (!shared->view && view_open(shared->dir, &own) != 0)
		__atomic_add_fetch(&shared->failures, 1, __ATOMIC_SEQ_CST);
	const struct view *view = own ? own : shared->view;
	for (bool first = true; view && !__atomic_load_n(&shared->done, __ATOMIC_SEQ_CST); first = false) {
		struct view_usage usage;
		struct view_service service;
		if (own && view_refresh(own) != 0)
			cursor = view_change_cursor(own);
		view_usage_get(view, &usage);
		for (uint32_t row = view_service_first(view); row != VIEW_NONE; row = view_service_next(view, row))
			view_service_get(view, row, &service);
		if (!read_shards(view, view_service_find(view, "s")) || !read_changes(view, &cursor))
			__atomic_add_fetch(&shared->failures, 1, __ATOMIC_SEQ_CST);
		if (first)
			__atomic_add_fetch(&shared->readers, 1, __ATOMIC_SEQ_CST);
	}
	view_close(own);
	return NULL;
}

static void write_batches(struct view_writer *writer, struct shared *shared, uint64_t revision, bool grow)
{
	for (int i = 0; i < BATCHES || __atomic_load_n(&shared->readers, __ATOMIC_SEQ_CST) < 2; i++) {
		char id[32];
		revision++;
		view_writer_begin(writer);
		put(writer, revision * 7 % SHARDS, revision);
		snprintf(id, sizeof(id), "x%u", (unsigned)(grow ? (unsigned)i * 10 : (unsigned)i % 50));
		for (int j = 0; j < (grow ? 20 : 1); j++) {
			id[0] = (char)('l' + j);
			view_help_shard(writer, "s", id, "some task", (int64_t)revision);
			if (!grow)
				view_writer_shard_remove(writer, "s", id, 0, (int64_t)revision);
		}
		view_writer_worker_put(writer, "s", "g", i % 2 ? "h:1" : "h:2", (int64_t)revision);
		view_writer_worker_remove(writer, "s", "g", i % 2 ? "h:2" : "h:1", (int64_t)revision);
		snprintf(id, sizeof(id), "service%d", i % 40);
		view_help_shard(writer, id, "a", "", (int64_t)revision);
		view_writer_publish(writer, revision);
		view_writer_synced(writer, revision);
	}
}

static void run(struct view_fixture *fixture, bool own, bool grow)
{
	pthread_t threads[2];
	view_help_start(fixture, grow ? 0 : 10000);
	struct view_writer *writer = fixture->writer;
	struct shared shared = { .view = own ? NULL : view_writer_view(writer), .dir = fixture->dir };
	struct view_usage before, after;
	view_writer_begin(writer);
	for (uint64_t i = 0; i < SHARDS; i++)
		put(writer, i, 1 + i);
	view_writer_publish(writer, SHARDS);
	view_usage_get(view_writer_view(writer), &before);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_loop, &shared), 0);
	write_batches(writer, &shared, SHARDS, grow);
	__atomic_store_n(&shared.done, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	view_usage_get(view_writer_view(writer), &after);
	assert_int_equal(shared.failures, 0);
	assert_int_equal(after.segment_number > before.segment_number, grow);
}

static void test_one_mapping(void **state)
{
	run(*state, false, false);
}

static void test_growth(void **state)
{
	run(*state, true, true);
}

/* Always reads where the writer is about to write: what it gets is the changes asked for, or SM_ELAGGED. */
static void *follow_closely(void *arg)
{
	struct shared *shared = arg;
	enum { MOST = 4000 };
	struct view_change *changes = malloc(MOST * sizeof(*changes));
	while (!__atomic_load_n(&shared->done, __ATOMIC_SEQ_CST)) {
		uint64_t head = view_change_cursor(shared->view), cursor = head < 4095 ? 0 : head - 4095;
		uint64_t from = cursor;
		int count = view_change_read(shared->view, &cursor, changes, MOST);
		for (int i = 0; i < count; i++) {
			/* change number n has revision n + 1 */
			if (changes[i].revision != from + (uint64_t)i + 1)
				__atomic_add_fetch(&shared->failures, 1, __ATOMIC_SEQ_CST);
		}
		if (count == SM_ELAGGED)
			__atomic_add_fetch(&shared->readers, 1, __ATOMIC_SEQ_CST);
	}
	free(changes);
	return NULL;
}

static void test_ring(void **state)
{
	struct view_fixture *fixture = *state;
	pthread_t thread;
	view_help_start(fixture, 0);
	struct view_writer *writer = fixture->writer;
	struct shared shared = { .view = view_writer_view(writer) };
	assert_int_equal(pthread_create(&thread, NULL, follow_closely, &shared), 0);
	view_writer_begin(writer);
	for (int64_t i = 1; i < 10000 || (i < 3000000 && __atomic_load_n(&shared.readers, __ATOMIC_SEQ_CST) < 100); i++)
		view_help_shard(writer, "s", "a", "", i);
	view_writer_publish(writer, 3000000);
	__atomic_store_n(&shared.done, 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	assert_int_equal(shared.failures, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_help_setup, view_help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_one_mapping), TEST(test_growth), TEST(test_ring) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
