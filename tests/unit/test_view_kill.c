/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A writer that is killed at random moments, hundreds of times, while another process looks shards up: no lookup of an existing key
 * fails, no owner or row is torn, nobody is ever stuck, and the next writer goes on or begins anew as it should.
 * SM_KILL_TRIALS sets another number of trials.
 *
 * Shards k0 … are always there, and always served: by container h:<n>, with a token that is n modulo CONTAINERS. The writer moves them about,
 * and adds and removes others, with tasks, so that segments fill up and are left.
 */
#include "shardmgr.h"
#include "view_help.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHARDS 500u
#define CONTAINERS 7u
#define TRIALS 300

/* Between the processes. */
struct shared {
	uint64_t rounds; /* of the reader: whole sweeps over all shards */
	uint64_t remaps, whole_rows;
	uint64_t published; /* revision that readers may rely on */
	uint64_t batches;   /* that this writer has begun */
	uint64_t resumed, reset;
	char failure[200]; /* what was wrong, by whoever saw it */
};

static void fail_with(struct shared *shared, const char *what, uint64_t a, uint64_t b)
{
	if (!shared->failure[0])
		snprintf(shared->failure, sizeof(shared->failure), "%s (%llu, %llu)", what, (unsigned long long)a,
		        (unsigned long long)b);
	_exit(1);
}

static void name_shard(char *ret_id, size_t bytes, uint64_t i)
{
	snprintf(ret_id, bytes, "k%llu", (unsigned long long)i);
}

static void pause_us(uint64_t us)
{
	struct timespec time = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000) };
	nanosleep(&time, NULL);
}

/* ---- the writer ---- */

static uint64_t step;

static uint64_t random_below(uint64_t n)
{
	step = step * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (step >> 33) % n;
}

static void put_shard(struct view_writer *writer, uint64_t i, uint64_t token)
{
	char id[32], container[32], task[32];
	name_shard(id, sizeof(id), i);
	snprintf(container, sizeof(container), "h:%llu", (unsigned long long)(token % CONTAINERS));
	snprintf(task, sizeof(task), "t%llu", (unsigned long long)token);
	struct view_shard_spec spec = { .task = task, .spec_revision = (int64_t)token };
	struct view_claim claim = { .container = container,
		.incarnation = 1 + (int64_t)(token % CONTAINERS),
		.mod_revision = (int64_t)token,
		.token_revision = token,
		.belief_ms = (uint32_t)(token % 1000),
		.ready = true };
	if (view_writer_claim_put(writer, "mirror", id, 0, &claim) != 0 ||
	        view_writer_shard_put(writer, "mirror", id, 0, &spec) != 0)
		_exit(2);
}

static void fill(struct view_writer *writer, struct shared *shared)
{
	uint64_t revision = __atomic_load_n(&shared->published, __ATOMIC_SEQ_CST) + 1000;
	if (view_writer_reset(writer, random_below(2) * SHARDS) != 0)
		_exit(3);
	view_writer_store_incarnation(writer, 1);
	view_writer_begin(writer);
	for (uint64_t i = 0; i < SHARDS; i++)
		put_shard(writer, i, revision + random_below(1000));
	view_writer_publish(writer, revision + 1000);
	__atomic_store_n(&shared->published, revision + 1000, __ATOMIC_SEQ_CST);
}

/* One batch: owners change, other shards come and go, a long text now and then fills the segment. */
static void batch(struct view_writer *writer, struct shared *shared, const char *text)
{
	uint64_t revision = view_revision(view_writer_view(writer)) + 1;
	view_writer_begin(writer);
	for (uint64_t changes = random_below(20); changes; changes--) {
		char id[32];
		snprintf(id, sizeof(id), "x%llu", (unsigned long long)random_below(1000000));
		struct view_shard_spec spec = { .task = text + random_below(200000),
			.spec_revision = (int64_t)revision };
		put_shard(writer, random_below(SHARDS), revision);
		if (view_writer_shard_put(writer, "mirror", id, 0, &spec) != 0)
			_exit(4);
		if (random_below(2))
			view_writer_shard_remove(writer, "mirror", id, 0, (int64_t)revision);
	}
	view_writer_publish(writer, revision);
	__atomic_store_n(&shared->published, revision, __ATOMIC_SEQ_CST);
}

static void write_until_killed(const char *dir, struct shared *shared, uint64_t seed)
{
	const struct view_identity identity = { .prefix = "/sm", .manager_service = "foo.bar" };
	struct view_writer *writer;
	bool resumable;
	char *text = malloc(200001);
	memset(text, 'x', 200000);
	text[200000] = '\0';
	step = seed;
	if (view_writer_open(dir, &identity, &writer, &resumable) != 0)
		_exit(5);
	uint64_t published = __atomic_load_n(&shared->published, __ATOMIC_SEQ_CST);
	if (resumable && view_revision(view_writer_view(writer)) < published)
		fail_with(shared, "resumed behind what was published", view_revision(view_writer_view(writer)),
		        published);
	__atomic_add_fetch(resumable ? &shared->resumed : &shared->reset, 1, __ATOMIC_SEQ_CST);
	if (!resumable)
		fill(writer, shared);
	for (;;) {
		__atomic_add_fetch(&shared->batches, 1, __ATOMIC_SEQ_CST);
		batch(writer, shared, text);
		pause_us(random_below(4) * 200);
	}
}

/* ---- the reader ---- */

static void check_owner(struct shared *shared, const struct view *view, uint64_t i, const char *id)
{
	struct view_owner owner;
	struct view_container container;
	char wanted[32];
	if (!view_help_lookup(view, "mirror", id, &owner))
		fail_with(shared, "a lookup failed", i, view_revision(view));
	uint64_t token = owner.token & ((UINT64_C(1) << 48) - 1);
	if (!owner.container || !token || owner.token >> 48 != 1)
		fail_with(shared, "a shard without owner", i, owner.token);
	view_container_get(view, view_container_by_number(view, owner.container), &container);
	snprintf(wanted, sizeof(wanted), "h:%llu", (unsigned long long)(token % CONTAINERS));
	if (strcmp(container.id, wanted) != 0)
		fail_with(shared, "a torn owner", token, owner.container);
}

/* A row read between two equal versions is of one state. */
static void check_row(struct shared *shared, const struct view *view, uint32_t service, const char *id)
{
	struct view_shard row;
	uint64_t version = view_service_version(view, service);
	uint32_t found = view_shard_find(view, service, id, 0);
	view_shard_get(view, found, &row);
	if (version & VIEW_CHANGING || view_service_version(view, service) != version)
		return;
	uint64_t token = row.claim_token & ((UINT64_C(1) << 48) - 1);
	char task[32];
	snprintf(task, sizeof(task), "t%llu", (unsigned long long)token);
	if (found == VIEW_NONE || strcmp(row.task, task) != 0 || row.claim_mod_revision != (int64_t)token ||
	        row.claim_incarnation != 1 + (int64_t)(token % CONTAINERS) || row.belief_ms != token % 1000)
		fail_with(shared, "a torn row", token, (uint64_t)row.claim_mod_revision);
	shared->whole_rows++;
}

static void read_until_killed(const char *dir, struct shared *shared)
{
	struct view *view;
	if (view_open(dir, &view) != 0)
		fail_with(shared, "the reader cannot open", 0, 0);
	for (;;) {
		int refreshed = view_refresh(view);
		if (refreshed < 0)
			fail_with(shared, "refresh failed", (uint64_t)-refreshed, 0);
		shared->remaps += (uint64_t)refreshed;
		uint32_t service = view_service_find(view, "mirror");
		for (uint64_t i = 0; i < SHARDS; i++) {
			char id[32];
			name_shard(id, sizeof(id), i);
			check_owner(shared, view, i, id);
			check_row(shared, view, service, id);
		}
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_SEQ_CST);
	}
}

/* ---- the test ---- */

/* The reader gets on, whatever the writer left behind. */
static void wait_for_reader(struct shared *shared, pid_t reader)
{
	uint64_t wanted = __atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST) + 2;
	while (__atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST) < wanted) {
		if (waitpid(reader, NULL, WNOHANG) == reader)
			fail_msg("the reader ended: %s", shared->failure);
		pause_us(50);
	}
}

/* The child does not outlive a test that failed. */
static pid_t fork_child(void)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static pid_t fork_writer(const char *dir, struct shared *shared, uint64_t seed)
{
	__atomic_store_n(&shared->batches, 0, __ATOMIC_SEQ_CST);
	pid_t pid = fork_child();
	if (pid == 0)
		write_until_killed(dir, shared, seed);
	return pid;
}

/* Kills the writer a moment after it has begun so many batches; 0: perhaps while it opens or fills. */
static void kill_writer(struct shared *shared, pid_t writer, uint64_t batches, uint64_t us)
{
	int status;
	while (__atomic_load_n(&shared->batches, __ATOMIC_SEQ_CST) < batches) {
		if (waitpid(writer, &status, WNOHANG) == writer)
			fail_msg("the writer ended with %d: %s", WEXITSTATUS(status), shared->failure);
		pause_us(50);
	}
	pause_us(us);
	kill(writer, SIGKILL);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	if (WIFEXITED(status))
		fail_msg("the writer ended with %d: %s", WEXITSTATUS(status), shared->failure);
}

static void test_kill(void **state)
{
	struct view_fixture *fixture = *state;
	const char *setting = getenv("SM_KILL_TRIALS");
	int trials = setting ? atoi(setting) : TRIALS;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	view_help_open(fixture);
	fill(fixture->writer, shared);
	view_help_close(fixture);
	pid_t reader = fork_child();
	if (reader == 0)
		read_until_killed(fixture->dir, shared);
	unsigned seed = 1;
	for (int i = 0; i < trials; i++) {
		pid_t writer = fork_writer(fixture->dir, shared, (uint64_t)i);
		kill_writer(shared, writer, (uint64_t)(i % 5 * 2), (uint64_t)rand_r(&seed) % 2000);
		wait_for_reader(shared, reader);
	}
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	assert_string_equal(shared->failure, "");
	print_message("%d kills: %llu resumed, %llu reset, %llu remaps, %llu whole rows\n", trials,
	        (unsigned long long)shared->resumed, (unsigned long long)shared->reset,
	        (unsigned long long)shared->remaps, (unsigned long long)shared->whole_rows);
	munmap(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill, view_help_setup, view_help_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
