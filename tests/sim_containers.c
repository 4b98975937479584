/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Many containers in one process, for tests and benches. They acknowledge what they are told at once and write it down, one JSON line per
 * event on stdout, with CLOCK_BOOTTIME and the fencing token:
 *
 *     {"event":"open","container":"127.0.0.1:4711"}                 {"event":"end","container":…}
 *     {"event":"add","container":…,"shard":"s1","token":"72057594037928013","ns":…}     "drop" and "lost" the same
 *
 * usage: sim_containers [--service S] [--endpoints E] [--prefix P] [--ttl S] [--count N] [--quiet]
 *     --quiet: instead of the lines, once a second and at the end, {"event":"sum","containers":…,"held":…,"adds":…,"drops":…,"lost":…,"ns":…}
 *
 * Commands on stdin, one per line; container numbers count from 0 in the order of opening:
 *     open [ID]        one more          stop N     clean exit of one        fail SHARD N    the next N adds of this shard say no
 *     hang SHARD       its adds are not acknowledged any more                release SHARD   acknowledges what hangs, and no longer hangs
 * End of file or SIGTERM: all exit cleanly, then the program.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <shardmgr.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONTAINERS 1024
#define TOLD 64 /* shards with an order of their own */

struct simulated {
	struct sm_container *container;
	bool open;
};
struct told { /* what a shard was told to do */
	char shard[129];
	unsigned fail;
	bool hang;
	struct sm_container *container; /* whose add hangs */
	uint64_t sequence;
};

static struct simulated all[CONTAINERS];
static unsigned count, open_count;
static struct told told[TOLD];
static struct sm_options *options;
static bool quiet, stopping;
static long long held, adds, drops, lost;
static volatile sig_atomic_t terminated;

static void on_signal(int number)
{
	(void)number;
	terminated = 1;
}

static uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void print_sum(void)
{
	printf("{\"event\":\"sum\",\"containers\":%u,\"held\":%lld,\"adds\":%lld,\"drops\":%lld,\"lost\":%lld,\"ns\":"
	       "%" PRIu64 "}\n",
	        open_count, held, adds, drops, lost, boot_ns());
}

static struct told *find_told(const char *shard, bool make)
{
	for (struct told *t = told; t < told + TOLD; t++) {
		if (strcmp(t->shard, shard) == 0)
			return t;
		if (make && t->shard[0] == '\0') {
			snprintf(t->shard, sizeof(t->shard), "%s", shard);
			return t;
		}
		if (t->shard[0] == '\0')
			return NULL;
	}
	return NULL;
}

static void write_down(const struct simulated *simulated, const char *what, const struct sm_event *event)
{
	if (!quiet)
		printf("{\"event\":\"%s\",\"container\":\"%s\",\"shard\":\"%s\",\"token\":\"%" PRIu64
		       "\",\"ns\":%" PRIu64 "}\n",
		        what, sm_container_id(simulated->container), sm_event_shard(event), sm_event_token(event),
		        boot_ns());
}

/* False: it is not acknowledged now. */
static bool add(struct simulated *simulated, const struct sm_event *event, const char **ret_error)
{
	struct told *t = find_told(sm_event_shard(event), false);

	if (t && t->hang) {
		t->container = simulated->container;
		t->sequence = sm_event_sequence(event);
		return false;
	}
	if (t && t->fail) {
		t->fail--;
		*ret_error = "told to fail";
		return true;
	}
	adds++;
	held++;
	write_down(simulated, "add", event);
	return true;
}

static void handle(struct simulated *simulated, struct sm_event *event)
{
	const char *error = NULL;
	bool done = true;

	if (sm_event_type(event) == SM_EVENT_ADD) {
		done = add(simulated, event, &error);
	} else {
		bool is_drop = sm_event_type(event) == SM_EVENT_DROP;

		*(is_drop ? &drops : &lost) += 1;
		held--;
		write_down(simulated, is_drop ? "drop" : "lost", event);
	}
	if (done)
		sm_container_ack(simulated->container, sm_event_sequence(event), error);
	sm_event_free(event);
}

static void end(struct simulated *simulated, int error)
{
	char text[512];

	sm_container_error(simulated->container, text, sizeof(text));
	printf("{\"event\":\"end\",\"container\":\"%s\",\"error\":%d,\"text\":\"%s\"}\n",
	        sm_container_id(simulated->container), error == SM_ECLOSED ? 0 : error,
	        error == SM_ECLOSED ? "" : text);
	sm_container_close(simulated->container, 2000);
	simulated->open = false;
	open_count--;
}

static void drain(struct simulated *simulated)
{
	struct sm_event *event;
	int error;

	while ((error = sm_container_next(simulated->container, 0, &event)) == 0)
		handle(simulated, event);
	if (error != SM_ETIMEDOUT)
		end(simulated, error);
}

static void open_one(const char *id)
{
	struct simulated *simulated = &all[count];
	int error;

	if (count == CONTAINERS)
		fprintf(stderr, "at most %d containers\n", CONTAINERS), exit(2);
	sm_options_set(options, "id", id);
	error = sm_container_open(options, &simulated->container);
	if (error < 0)
		fprintf(stderr, "container %s: %s: %s\n", id, sm_error_text(error), sm_options_error(options)), exit(2);
	simulated->open = true;
	count++;
	open_count++;
	printf("{\"event\":\"open\",\"container\":\"%s\"}\n", sm_container_id(simulated->container));
}

static void stop_all(void)
{
	stopping = true;
	for (unsigned i = 0; i < count; i++) {
		if (all[i].open)
			sm_container_stop(all[i].container);
	}
}

static void release(struct told *t)
{
	t->hang = false;
	if (t->container)
		sm_container_ack(t->container, t->sequence, "hung until it was told not to");
	t->container = NULL;
}

static void obey(char *line)
{
	char shard[129], id[129] = "127.0.0.1:0";
	unsigned number;

	if (strncmp(line, "open", 4) == 0) {
		sscanf(line, "open %128s", id);
		open_one(id);
	} else if (sscanf(line, "stop %u", &number) == 1 && number < count && all[number].open) {
		sm_container_stop(all[number].container);
	} else if (sscanf(line, "fail %128s %u", shard, &number) == 2 && find_told(shard, true)) {
		find_told(shard, true)->fail = number;
	} else if (sscanf(line, "hang %128s", shard) == 1 && find_told(shard, true)) {
		find_told(shard, true)->hang = true;
	} else if (sscanf(line, "release %128s", shard) == 1 && find_told(shard, false)) {
		release(find_told(shard, false));
	} else {
		fprintf(stderr, "cannot do: %s\n", line), exit(2);
	}
}

static void read_commands(void)
{
	static char buffer[4096];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buffer + used, sizeof(buffer) - 1 - used);
	char *line = buffer, *newline;

	if (n <= 0)
		return stop_all();
	used += (size_t)n;
	buffer[used] = '\0';
	for (; (newline = strchr(line, '\n')); line = newline + 1) {
		*newline = '\0';
		obey(line);
	}
	used -= (size_t)(line - buffer);
	memmove(buffer, line, used);
}

static void run(void)
{
	static struct pollfd fds[CONTAINERS + 1];
	uint64_t next_sum = 0;

	while (open_count || !stopping) {
		fds[0] = (struct pollfd){ .fd = stopping ? -1 : STDIN_FILENO, .events = POLLIN };
		for (unsigned i = 0; i < count; i++)
			fds[i + 1] = (struct pollfd){ .fd = all[i].open ? sm_container_fd(all[i].container) : -1,
				.events = POLLIN };
		if (poll(fds, count + 1, 200) < 0 && errno != EINTR)
			perror("poll"), exit(2);
		for (unsigned i = 0; i < count; i++) {
			if (all[i].open && fds[i + 1].revents)
				drain(&all[i]);
		}
		if (fds[0].revents)
			read_commands();
		if (terminated && !stopping)
			stop_all();
		if (quiet && boot_ns() >= next_sum) {
			print_sum();
			next_sum = boot_ns() + 1000000000u;
		}
		fflush(stdout);
	}
}

static unsigned read_arguments(int argc, char **argv)
{
	unsigned wanted = 1;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--quiet") == 0) {
			quiet = true;
			continue;
		}
		if (strncmp(name, "--", 2) != 0 || i + 1 == argc)
			fprintf(stderr, "%s: not an option with a value; see the head of sim_containers.c\n", name),
			        exit(2);
		if (strcmp(name, "--count") == 0)
			wanted = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (sm_options_set(options, name + 2, argv[++i]) < 0)
			fprintf(stderr, "%s: %s\n", name, sm_options_error(options)), exit(2);
	}
	return wanted;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };

	options = sm_options_new();
	sm_options_set(options, "service", "sim");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (unsigned wanted = read_arguments(argc, argv); count < wanted;)
		open_one("127.0.0.1:0");
	fflush(stdout);
	run();
	if (quiet)
		print_sum();
	sm_options_free(options);
	return 0;
}
