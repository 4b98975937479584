/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * What a lookup in the view costs, in another process than the writer's, and how many bytes a shard takes.
 *     lookup [SHARDS…]        default: 1000 100000 1000000. Ids have 24 bytes, every shard has a ready owner, no task
 *     lookup --in DIR SHARDS  looks every shard up once in the view that is there; what the instructions are counted on
 * Instructions by callgrind where valgrind is installed: it counts inside of view_lookup and nowhere else.
 */
#include "view_reader.h"
#include "view_writer.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVICE "mirror"
#define ID_BYTES 24
#define RUNS 7
#define COUNTED_SHARDS 20000u /* lookups under callgrind */

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void name_shard(char *ret_id, uint64_t i)
{
	snprintf(ret_id, ID_BYTES + 1, "topic-%08llu-part-0000", (unsigned long long)(i % 100000000));
}

static struct stat segment_status(const char *dir, const struct view *view)
{
	char path[PATH_MAX];
	struct stat status;
	struct view_usage usage;
	view_usage_get(view, &usage);
	snprintf(path, sizeof(path), "%s/view.%llu", dir, (unsigned long long)usage.segment_number);
	if (stat(path, &status) < 0)
		die(path);
	return status;
}

/* ---- the writer, in a process of its own ---- */

struct filled {
	double ms, grown_ms, claim_ns, grown_bytes;
	uint64_t segments;
};

static void fill(struct view_writer *writer, uint64_t shards, uint64_t expected)
{
	if (view_writer_reset(writer, expected) != 0)
		die("view_writer_reset");
	view_writer_begin(writer);
	for (uint64_t i = 0; i < shards; i++) {
		char id[ID_BYTES + 1], container[32];
		name_shard(id, i);
		snprintf(container, sizeof(container), "10.0.0.%u:8080", (unsigned)(i % 50));
		struct view_shard_spec spec = { .group = "g", .update_time = 1700000000, .spec_revision = 5 };
		struct view_claim claim = { .container = container,
			.incarnation = 7,
			.mod_revision = 9,
			.token_revision = 9,
			.belief_ms = 4850,
			.ready = true };
		if (view_writer_shard_put(writer, SERVICE, id, 0, &spec) != 0 ||
		        view_writer_claim_put(writer, SERVICE, id, 0, &claim) != 0)
			die("put");
	}
	view_writer_publish(writer, 10);
}

/* ns for one changed claim, published by itself. */
static double time_claims(struct view_writer *writer, uint64_t shards)
{
	const uint64_t changes = 10000;
	double start = now_ns();
	for (uint64_t i = 0; i < changes; i++) {
		char id[ID_BYTES + 1];
		struct view_claim claim = { .container = "10.0.0.1:8080",
			.incarnation = 8,
			.mod_revision = (int64_t)(10 + i),
			.token_revision = 10 + i,
			.ready = true };
		name_shard(id, i * 7919 % shards);
		view_writer_begin(writer);
		view_writer_claim_put(writer, SERVICE, id, 0, &claim);
		view_writer_publish(writer, 11 + i);
	}
	return (now_ns() - start) / (double)changes;
}

static void write_view(const char *dir, uint64_t shards, int ready_fd)
{
	const struct view_identity identity = { .prefix = "/sm", .manager_service = "bench" };
	struct view_writer *writer;
	struct view_usage usage;
	struct filled filled;
	bool resumable;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (view_writer_open(dir, &identity, &writer, &resumable) != 0)
		die("view_writer_open");
	double start = now_ns();
	fill(writer, shards, 0);
	filled.grown_ms = (now_ns() - start) / 1e6;
	view_usage_get(view_writer_view(writer), &usage);
	filled.segments = usage.segment_number;
	filled.grown_bytes = (double)segment_status(dir, view_writer_view(writer)).st_blocks * 512;
	start = now_ns();
	fill(writer, shards, shards);
	filled.ms = (now_ns() - start) / 1e6;
	filled.claim_ns = time_claims(writer, shards);
	if (write(ready_fd, &filled, sizeof(filled)) != sizeof(filled))
		die("write");
	for (;;)
		pause();
}

/* ---- the reader ---- */

/* All ids, in an order that has nothing to do with that of the rows: the view is read at random, the ids are read in order. */
static char (*shuffled(uint64_t shards, uint64_t first))[ID_BYTES + 1]
{
	char(*ids)[ID_BYTES + 1] = malloc(shards * sizeof(*ids));
	uint64_t state = 1;
	if (!ids)
		die("malloc");
	for (uint64_t i = 0; i < shards; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint64_t j = (state >> 20) % (i + 1);
		memcpy(ids[i], ids[j], sizeof(*ids));
		name_shard(ids[j], first + i);
	}
	return ids;
}

static uint64_t look_up(const struct view *view, char (*ids)[ID_BYTES + 1], uint64_t count)
{
	uint64_t found = 0;
	for (uint64_t i = 0; i < count; i++) {
		struct view_owner owner;
		if (view_lookup(view, SERVICE, sizeof(SERVICE) - 1, ids[i], ID_BYTES, 0, &owner))
			found += owner.container != 0;
	}
	return found;
}

/* Each lookup waits for the answer of the one before, as it would in a program that does something with it. */
static uint64_t look_up_in_turn(const struct view *view, char (*ids)[ID_BYTES + 1], uint64_t count)
{
	struct view_owner owner = { 0, 0 };
	uint64_t found = 0;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t nothing = owner.token >> 63;
		if (view_lookup(view, SERVICE, sizeof(SERVICE) - 1, ids[i + nothing], ID_BYTES, 0, &owner))
			found += owner.container != 0;
	}
	return found;
}

typedef uint64_t look_up_fn(const struct view *view, char (*ids)[ID_BYTES + 1], uint64_t count);

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Median over some runs of at least a million lookups each. */
static double time_lookups(
        look_up_fn *look, const struct view *view, char (*ids)[ID_BYTES + 1], uint64_t shards, bool exist)
{
	double runs[RUNS];
	uint64_t sweeps = shards < 1000000 ? 1000000 / shards : 1;
	if (look(view, ids, shards) != (exist ? shards : 0)) {
		fprintf(stderr, "lookup: wrong answers\n");
		exit(1);
	}
	for (int run = 0; run < RUNS; run++) {
		double start = now_ns();
		for (uint64_t i = 0; i < sweeps; i++)
			look(view, ids, shards);
		runs[run] = (now_ns() - start) / (double)(sweeps * shards);
	}
	qsort(runs, RUNS, sizeof(*runs), compare);
	return runs[RUNS / 2];
}

/* Runs this program again under callgrind; instructions per lookup, 0 when there is no valgrind. */
static double count_instructions(const char *self, const char *dir, uint64_t shards)
{
	char command[3 * PATH_MAX], line[256];
	uint64_t counted = shards < COUNTED_SHARDS ? shards : COUNTED_SHARDS;
	unsigned long long total = 0;
	snprintf(command, sizeof(command),
	        "valgrind --tool=callgrind --collect-atstart=no --toggle-collect=view_lookup "
	        "--callgrind-out-file=%s/callgrind.out "
	        "%s --in %s %llu >/dev/null 2>&1 && cat %s/callgrind.out",
	        dir, self, dir, (unsigned long long)counted, dir);
	FILE *out = popen(command, "re");
	if (!out)
		return 0;
	while (fgets(line, sizeof(line), out))
		sscanf(line, "summary: %llu", &total);
	pclose(out);
	snprintf(command, sizeof(command), "%s/callgrind.out", dir);
	unlink(command);
	return (double)total / (double)counted;
}

static void print_instructions(double instructions)
{
	if (instructions > 0)
		printf("  %.1f instructions per lookup (callgrind)\n", instructions);
	else
		printf("  instructions: not counted, valgrind is not installed\n");
}

static void print_bytes(const char *dir, const struct view *view, double shards)
{
	struct stat status = segment_status(dir, view);
	struct view_usage usage;
	view_usage_get(view, &usage);
	printf("  %.1f bytes of segment per shard in use, %.1f allocated (file of %.1f MiB, sparse)\n",
	        (double)usage.bytes_used / shards, (double)status.st_blocks * 512 / shards,
	        (double)status.st_size / 1048576);
}

static void measure(const char *self, uint64_t shards)
{
	char dir[] = "/dev/shm/lookup.XXXXXX", command[128];
	int ready[2];
	struct filled filled;
	struct view *view;
	if (!mkdtemp(dir) || pipe(ready) < 0)
		die(dir);
	fflush(stdout);
	pid_t writer = fork();
	if (writer == 0)
		write_view(dir, shards, ready[1]);
	close(ready[1]);
	if (read(ready[0], &filled, sizeof(filled)) == (ssize_t)sizeof(filled) && view_open(dir, &view) == 0) {
		char(*ids)[ID_BYTES + 1] = shuffled(shards, 0), (*absent)[ID_BYTES + 1] = shuffled(shards, shards);
		printf("%llu shards\n", (unsigned long long)shards);
		printf("  %.1f ns per lookup that waits for the one before, %.1f ns when they overlap, %.1f ns of an "
		       "id that is not there\n",
		        time_lookups(look_up_in_turn, view, ids, shards, true),
		        time_lookups(look_up, view, ids, shards, true),
		        time_lookups(look_up, view, absent, shards, false));
		print_instructions(count_instructions(self, dir, shards));
		print_bytes(dir, view, (double)shards);
		printf("  filled in %.0f ms; with the size not known in %.0f ms, over %llu segments, the last of %.1f "
		       "bytes allocated per shard\n",
		        filled.ms, filled.grown_ms, (unsigned long long)filled.segments,
		        filled.grown_bytes / (double)shards);
		printf("  %.0f ns to put and publish one claim\n", filled.claim_ns);
		view_close(view);
		free(ids);
		free(absent);
	}
	close(ready[0]);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command) != 0)
		die(command);
}

static int look_up_in(const char *dir, uint64_t shards)
{
	struct view *view;
	if (view_open(dir, &view) != 0)
		die(dir);
	char(*ids)[ID_BYTES + 1] = shuffled(shards, 0);
	uint64_t found = look_up(view, ids, shards);
	free(ids);
	view_close(view);
	return found == shards ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const char *const defaults[] = { "1000", "100000", "1000000" };
	if (argc == 4 && strcmp(argv[1], "--in") == 0)
		return look_up_in(argv[2], strtoull(argv[3], NULL, 10));
	char self[PATH_MAX] = { 0 };
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		die("/proc/self/exe");
	const char *const *sizes = argc > 1 ? (const char *const *)argv + 1 : defaults;
	for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++) {
		uint64_t shards = strtoull(sizes[i], NULL, 10);
		if (shards == 0 || shards > 50000000) {
			fprintf(stderr, "lookup: '%s' is no number of shards; usage: lookup [SHARDS...]\n", sizes[i]);
			return 2;
		}
		measure(self, shards);
	}
	return 0;
}
