/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 */
#include "view_help.h"

#include <dirent.h>
#include <unistd.h>

static const struct view_identity identity = { .prefix = "/sm", .manager_service = "foo.bar" };

int view_help_setup(void **state)
{
	struct view_fixture *fixture = calloc(1, sizeof(*fixture));
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/test_view.XXXXXX");
	if (!mkdtemp(fixture->dir))
		return -1;
	*state = fixture;
	return 0;
}

int view_help_teardown(void **state)
{
	struct view_fixture *fixture = *state;
	view_writer_close(fixture->writer);
	DIR *entries = opendir(fixture->dir);
	for (struct dirent *entry; (entry = readdir(entries));) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, entry->d_name);
		unlink(path); /* fails for . and .. */
	}
	closedir(entries);
	int error = rmdir(fixture->dir);
	free(fixture);
	return error;
}

bool view_help_open(struct view_fixture *fixture)
{
	bool resumable;
	assert_int_equal(view_writer_open(fixture->dir, &identity, &fixture->writer, &resumable), 0);
	return resumable;
}

void view_help_close(struct view_fixture *fixture)
{
	view_writer_close(fixture->writer);
	fixture->writer = NULL;
}

void view_help_start(struct view_fixture *fixture, uint64_t expected_shards)
{
	if (!view_help_open(fixture))
		assert_int_equal(view_writer_reset(fixture->writer, expected_shards), 0);
}

void view_help_shard(
        struct view_writer *writer, const char *service, const char *shard, const char *task, int64_t revision)
{
	struct view_shard_spec spec = { .task = task, .spec_revision = revision };
	assert_int_equal(view_writer_shard_put(writer, service, shard, 0, &spec), 0);
}

void view_help_claim(
        struct view_writer *writer, const char *service, const char *shard, const char *container, int64_t revision)
{
	struct view_claim claim = { .container = container,
		.incarnation = 7,
		.mod_revision = revision,
		.token_revision = (uint64_t)revision,
		.belief_ms = 4850,
		.ready = true };
	assert_int_equal(view_writer_claim_put(writer, service, shard, 0, &claim), 0);
}

void view_help_container(struct view_writer *writer, const char *service, const char *container, int64_t revision)
{
	struct view_session session = { .incarnation = revision, .lease = 99, .ours = true, .heartbeat = "{}" };
	assert_int_equal(view_writer_container_put(writer, service, container, &session, revision), 0);
}

bool view_help_lookup(const struct view *view, const char *service, const char *shard, struct view_owner *ret_owner)
{
	return view_lookup(view, service, strlen(service), shard, strlen(shard), 0, ret_owner);
}

char *view_help_read(const struct view_fixture *fixture, const char *name, size_t *ret_bytes)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*ret_bytes = (size_t)ftell(file);
	rewind(file);
	char *bytes = malloc(*ret_bytes + 1);
	assert_int_equal(fread(bytes, 1, *ret_bytes, file), *ret_bytes);
	fclose(file);
	return bytes;
}

void view_help_write(const struct view_fixture *fixture, const char *name, const char *bytes, size_t count)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	fclose(file);
}
