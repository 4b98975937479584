/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Hundreds of thousands of random puts against the simplest thing that could do the same: an array. Small texts and large ones, so that
 * segments are left again and again; the writer is closed and opened in between.
 */
#include "shardmgr.h"
#include "view_help.h"
#include "view_map.h"

#define SERVICES 3
#define SHARDS 40
#define REPLICAS 2
#define CONTAINERS 8
#define GROUPS 3
#define STEPS 200000

struct shard {
	bool exists;
	uint32_t group, pin, text_bytes;
	int64_t spec_revision, lease;
	uint32_t claim; /* container + 1 */
	bool ready;
	int64_t claim_revision, incarnation;
};
struct container {
	bool alive;
	int64_t incarnation;
	uint32_t heartbeat;
};
struct model {
	bool exists[SERVICES];
	int64_t spec_revision[SERVICES];
	struct shard shards[SERVICES][SHARDS][REPLICAS];
	struct container containers[SERVICES][CONTAINERS];
	bool workers[SERVICES][GROUPS][CONTAINERS];
};

static char text[100001];
static unsigned seed = 1;

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand_r(&seed) % n;
}

static const char *name(const char *kind, uint32_t i)
{
	static char names[4][32];
	static int next;
	char *out = names[next++ % 4];
	snprintf(out, 32, "%s%u", kind, i);
	return out;
}

static const char *text_of(uint32_t bytes)
{
	return text + sizeof(text) - 1 - bytes;
}

static void step_shard(struct view_writer *writer, struct model *model, int64_t revision)
{
	uint32_t s = below(SERVICES), i = below(SHARDS), r = below(REPLICAS);
	struct shard *shard = &model->shards[s][i][r];
	const char *service = name("service", s), *id = name("shard", i);
	if (below(3) == 0) {
		assert_int_equal(view_writer_shard_remove(writer, service, id, r, revision), 0);
		shard->exists = false;
		return;
	}
	shard->exists = true;
	shard->group = below(5);
	shard->pin = below(3);
	shard->text_bytes = below(2) ? below(30) : below(20) ? below(2000) : 100000;
	shard->spec_revision = revision;
	shard->lease = below(4) ? 0 : revision;
	struct view_shard_spec spec = { .group = shard->group ? name("g", shard->group) : NULL,
		.pin = name("p", shard->pin),
		.task = text_of(shard->text_bytes),
		.update_time = revision * 2,
		.spec_revision = revision,
		.lease_id = shard->lease };
	assert_int_equal(view_writer_shard_put(writer, service, id, r, &spec), 0);
}

static void step_claim(struct view_writer *writer, struct model *model, int64_t revision)
{
	uint32_t s = below(SERVICES), i = below(SHARDS), r = below(REPLICAS), c = below(CONTAINERS);
	struct shard *shard = &model->shards[s][i][r];
	const char *service = name("service", s), *id = name("shard", i);
	if (below(3) == 0) {
		assert_int_equal(view_writer_claim_remove(writer, service, id, r, revision), 0);
		shard->claim = 0;
		return;
	}
	shard->claim = c + 1;
	shard->ready = below(2);
	shard->claim_revision = revision;
	shard->incarnation = 1 + (int64_t)below(3);
	struct view_claim claim = { .container = name("h:", c),
		.incarnation = shard->incarnation,
		.mod_revision = revision,
		.token_revision = (uint64_t)revision,
		.ready = shard->ready };
	assert_int_equal(view_writer_claim_put(writer, service, id, r, &claim), 0);
}

static void step_container(struct view_writer *writer, struct model *model, int64_t revision)
{
	uint32_t s = below(SERVICES), c = below(CONTAINERS);
	struct container *container = &model->containers[s][c];
	if (below(3) == 0) {
		assert_int_equal(view_writer_container_gone(
		                         writer, name("service", s), name("h:", c), (uint64_t)revision, revision),
		        0);
		*container = (struct container){ .alive = false };
		return;
	}
	*container =
	        (struct container){ .alive = true, .incarnation = 1 + (int64_t)below(3), .heartbeat = below(3000) };
	struct view_session session = {
		.incarnation = container->incarnation, .ours = true, .heartbeat = text_of(container->heartbeat)
	};
	assert_int_equal(view_writer_container_put(writer, name("service", s), name("h:", c), &session, revision), 0);
}

static void step_rest(struct view_writer *writer, struct model *model, int64_t revision)
{
	uint32_t s = below(SERVICES), g = below(GROUPS), c = below(CONTAINERS);
	const char *service = name("service", s), *group = name("g", g), *container = name("h:", c);
	struct view_service_spec spec = { .spec = "{}", .spec_revision = revision };
	switch (below(4)) {
	case 0:
		assert_int_equal(view_writer_service_put(writer, service, &spec), 0);
		model->exists[s] = true;
		model->spec_revision[s] = revision;
		break;
	case 1:
		assert_int_equal(view_writer_service_remove(writer, service, revision), 0);
		model->exists[s] = false;
		break;
	case 2:
		assert_int_equal(view_writer_worker_put(writer, service, group, container, revision), 0);
		model->workers[s][g][c] = true;
		break;
	default:
		assert_int_equal(view_writer_worker_remove(writer, service, group, container, revision), 0);
		model->workers[s][g][c] = false;
	}
}

static void check_shard(
        const struct view *view, uint32_t service, uint32_t s, uint32_t i, uint32_t r, const struct shard *model)
{
	const char *id = name("shard", i), *service_name = name("service", s);
	struct view_owner owner;
	struct view_shard got;
	bool lives = model->exists || model->claim;
	assert_int_equal(view_lookup(view, service_name, strlen(service_name), id, strlen(id), r, &owner), lives);
	uint32_t row = service == VIEW_NONE ? VIEW_NONE : view_shard_find(view, service, id, r);
	assert_int_equal(row != VIEW_NONE, lives);
	if (!lives)
		return;
	view_shard_get(view, row, &got);
	assert_int_equal(owner.token, model->claim && model->ready ? model->claim_revision : 0);
	assert_int_equal(got.exists, model->exists);
	assert_int_equal(got.replica, r);
	if (model->exists) {
		assert_string_equal(got.group, model->group ? name("g", model->group) : "");
		assert_string_equal(got.pin, name("p", model->pin));
		assert_string_equal(got.task, text_of(model->text_bytes));
		assert_int_equal(got.spec_revision, model->spec_revision);
		assert_int_equal(got.lease_id, model->lease);
	}
	assert_int_equal(got.claim_container != 0, model->claim != 0);
	if (model->claim) {
		struct view_container container;
		view_container_get(view, view_container_by_number(view, got.claim_container), &container);
		assert_string_equal(container.id, name("h:", model->claim - 1));
		assert_int_equal(got.claim_token, model->claim_revision);
		assert_int_equal(got.claim_mod_revision, model->claim_revision);
		assert_int_equal(got.claim_incarnation, model->incarnation);
		assert_int_equal(got.ready, model->ready);
	}
}

static uint32_t check_containers(const struct view *view, uint32_t service, const struct container *model)
{
	uint32_t alive = 0, listed = 0;
	for (uint32_t c = 0; c < CONTAINERS; c++) {
		struct view_container got;
		uint32_t row = service == VIEW_NONE ? VIEW_NONE : view_container_find(view, service, name("h:", c));
		view_container_get(view, row, &got);
		assert_int_equal(got.alive, model[c].alive);
		assert_int_equal(got.incarnation, model[c].incarnation);
		assert_string_equal(got.heartbeat, text_of(model[c].heartbeat));
		alive += model[c].alive;
	}
	for (uint32_t row = service == VIEW_NONE ? VIEW_NONE : view_container_first(view, service); row != VIEW_NONE;
	        row = view_container_next(view, row)) {
		struct view_container got;
		view_container_get(view, row, &got);
		listed += got.alive;
	}
	assert_int_equal(listed, alive);
	return alive;
}

static uint32_t check_workers(const struct view *view, uint32_t service, bool model[GROUPS][CONTAINERS])
{
	uint32_t wanted = 0, listed = 0;
	for (uint32_t g = 0; g < GROUPS; g++) {
		for (uint32_t c = 0; c < CONTAINERS; c++)
			wanted += model[g][c];
	}
	for (uint32_t row = service == VIEW_NONE ? VIEW_NONE : view_worker_first(view, service); row != VIEW_NONE;
	        row = view_worker_next(view, row))
		listed++;
	assert_int_equal(listed, wanted);
	return wanted;
}

static void check_service(const struct view *view, const struct model *model, uint32_t s)
{
	uint32_t service = view_service_find(view, name("service", s)), configured = 0, claimed = 0, lives = 0,
	         listed = 0;
	struct view_service got;
	for (uint32_t i = 0; i < SHARDS; i++) {
		for (uint32_t r = 0; r < REPLICAS; r++) {
			const struct shard *shard = &model->shards[s][i][r];
			check_shard(view, service, s, i, r, shard);
			configured += shard->exists && r == 0;
			claimed += shard->claim != 0;
			lives += shard->exists || shard->claim;
		}
	}
	uint32_t alive = check_containers(view, service, model->containers[s]);
	uint32_t workers = check_workers(view, service, (bool(*)[CONTAINERS])model->workers[s]);
	assert_int_equal(service != VIEW_NONE, model->exists[s] || lives || alive || workers);
	if (service == VIEW_NONE)
		return;
	for (uint32_t row = view_shard_first(view, service); row != VIEW_NONE; row = view_shard_next(view, row))
		listed++;
	view_service_get(view, service, &got);
	assert_int_equal(listed, lives);
	assert_int_equal(got.exists, model->exists[s]);
	assert_int_equal(got.spec_revision, model->exists[s] ? model->spec_revision[s] : 0);
	assert_int_equal(got.shard_count, configured);
	assert_int_equal(got.claim_count, claimed);
	assert_int_equal(got.container_count, alive);
	assert_int_equal(view_service_version(view, service) & VIEW_CHANGING, 0);
}

/* What the size of the next segment is reckoned from. */
static void check_garbage(const struct view *view)
{
	const struct view_region *regions = view->segment->regions;
	for (int i = 0; i < VIEW_REGIONS; i++)
		assert_true(regions[i].garbage <= regions[i].used);
}

static void test_random(void **state)
{
	struct view_fixture *fixture = *state;
	struct model *model = calloc(1, sizeof(*model));
	struct view *view;
	struct view_usage usage;
	memset(text, 'x', sizeof(text) - 1);
	view_help_start(fixture, 0);
	view_writer_begin(fixture->writer);
	view_writer_publish(fixture->writer, 1);
	assert_int_equal(view_open(fixture->dir, &view), 0);
	for (int64_t revision = 2; revision < STEPS;) {
		view_writer_begin(fixture->writer);
		for (uint32_t changes = below(1000); changes; changes--, revision++) {
			uint32_t kind = below(20);
			(kind < 8           ? step_shard
			        : kind < 17 ? step_claim
			        : kind < 18 ? step_rest
			                    : step_container)(fixture->writer, model, revision);
		}
		view_writer_publish(fixture->writer, (uint64_t)revision);
		assert_true(view_refresh(view) >= 0);
		if (below(10) == 0) {
			view_help_close(fixture);
			assert_true(view_help_open(fixture));
		}
		check_garbage(view);
		for (uint32_t s = 0; s < SERVICES; s++)
			check_service(view, model, s);
	}
	view_usage_get(view, &usage);
	assert_true(usage.segment_number > 10);
	view_close(view);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random, view_help_setup, view_help_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
