/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container that writes down what it may do, not what it was told: a thread asks sm_shard_held for every shard again and again, and keeps in
 * a mapped file (which survives its kill) from when until when each token was held. Events are acknowledged late, adds fail, acknowledgements
 * are repeated, all at random. SIGTERM stops, SIGINT closes in the midst of everything.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <shardmgr.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SPANS 65536
#define PENDING 1024

/* Read by test_ownership.py. A token was held at some moment up to since, and at some moment from until on. */
struct span {
	uint64_t shard, token, since_ns, until_ns;
};
struct record {
	_Atomic uint64_t count,
	        faults; /* faults: held after its drop or lost was acknowledged; an acknowledgement taken twice */
	struct span spans[SPANS];
};

struct sampler {
	struct sm_container *container;
	struct record *record;
	unsigned shards;
	atomic_bool stop;
};

struct pending {
	struct sm_event *event;
	uint64_t due_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sample(struct sampler *sampler, unsigned shard, struct span **last)
{
	struct record *record = sampler->record;
	uint64_t count = atomic_load(&record->count), before = now_ns();
	char name[16];

	snprintf(name, sizeof(name), "s%u", shard);
	uint64_t token = sm_shard_held(sampler->container, name, 0), after = now_ns();
	if (token == 0)
		return;
	if (!last[shard] || last[shard]->token != token) {
		if (count == SPANS)
			abort();
		last[shard] = &record->spans[count];
		*last[shard] = (struct span){ shard, token, after, before };
		atomic_store(&record->count, count + 1);
	}
	last[shard]->until_ns = before;
}

static void *run_sampler(void *arg)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct sampler *sampler = arg;
	struct span **last = calloc(sampler->shards, sizeof(*last));

	while (last && !atomic_load(&sampler->stop)) {
		for (unsigned i = 0; i < sampler->shards; i++)
			sample(sampler, i, last);
		nanosleep(&pause, NULL);
	}
	free(last);
	return NULL;
}

static struct record *map_record(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(struct record)) < 0) {
		perror(path);
		exit(2);
	}
	void *record = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (record == MAP_FAILED)
		exit(2);
	return record;
}

/* Most events at once, some after a while, a few after more than a TTL. */
static uint64_t random_delay_ns(void)
{
	long dice = random() % 100;

	if (dice < 60)
		return 0;
	return (uint64_t)(random() % (dice < 95 ? 150 : 2500)) * 1000000u;
}

static void finish(struct sm_container *c, struct record *record, struct sm_event *e)
{
	bool add = sm_event_type(e) == SM_EVENT_ADD;
	const char *error = add && random() % 30 == 0 ? "told to fail" : NULL;

	sm_container_ack(c, sm_event_sequence(e), error);
	if ((!add || error) && sm_shard_held(c, sm_event_shard(e), 0) == sm_event_token(e))
		atomic_fetch_add(&record->faults, 1);
	if (random() % 10 == 0 && sm_container_ack(c, sm_event_sequence(e), NULL) != SM_ENOENT)
		atomic_fetch_add(&record->faults, 1);
	sm_event_free(e);
}

/* How long until the next one is due, in ms; -1: none waits. */
static int finish_due(struct sm_container *c, struct record *record, struct pending *pending)
{
	uint64_t now = now_ns(), left, least = UINT64_MAX;

	for (size_t i = 0; i < PENDING; i++) {
		if (!pending[i].event)
			continue;
		if (pending[i].due_ns <= now) {
			finish(c, record, pending[i].event);
			pending[i].event = NULL;
			continue;
		}
		left = pending[i].due_ns - now;
		least = left < least ? left : least;
	}
	return least == UINT64_MAX ? -1 : (int)(least / 1000000) + 1;
}

static void keep(struct pending *pending, struct sm_event *e)
{
	for (size_t i = 0; i < PENDING; i++) {
		if (!pending[i].event) {
			pending[i] = (struct pending){ e, now_ns() + random_delay_ns() };
			return;
		}
	}
	abort();
}

/* 0: close now. */
static int run(struct sm_container *c, struct record *record, int signals)
{
	static struct pending pending[PENDING];
	struct pollfd fds[] = { { sm_container_fd(c), POLLIN, 0 }, { signals, POLLIN, 0 } };
	struct signalfd_siginfo info;
	struct sm_event *e;
	int error;

	for (;;) {
		poll(fds, 2, finish_due(c, record, pending));
		if (fds[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGINT)
				return 0;
			sm_container_stop(c);
		}
		while ((error = sm_container_next(c, 0, &e)) == 0)
			keep(pending, e);
		if (error != SM_ETIMEDOUT)
			return error;
	}
}

int main(int argc, char **argv)
{
	struct sm_options *o = sm_options_new();
	struct sampler sampler = { 0 };
	pthread_t thread;
	sigset_t set;
	int error;

	if (argc != 8) {
		fprintf(stderr, "usage: %s SERVICE ID ENDPOINTS TTL SHARDS FILE SEED\n", argv[0]);
		return 2;
	}
	srandom((unsigned)atoi(argv[7]));
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sampler.shards = (unsigned)atoi(argv[5]);
	sampler.record = map_record(argv[6]);
	if (sm_options_set(o, "service", argv[1]) || sm_options_set(o, "id", argv[2]) ||
	        sm_options_set(o, "endpoints", argv[3]) || sm_options_set(o, "ttl", argv[4]) ||
	        sm_container_open(o, &sampler.container)) {
		fprintf(stderr, "%s\n", sm_options_error(o));
		return 1;
	}
	sm_options_free(o);
	if (pthread_create(&thread, NULL, run_sampler, &sampler) != 0)
		return 2;
	error = run(sampler.container, sampler.record, signalfd(-1, &set, SFD_CLOEXEC));
	/* From here on this process does nothing with its shards. */
	atomic_store(&sampler.stop, true);
	pthread_join(thread, NULL);
	if (error != 0 && error != SM_ECLOSED) {
		char text[1024];
		sm_container_error(sampler.container, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", sm_error_text(error), text);
	}
	sm_container_close(sampler.container, random() % 2 ? 1000 : 0);
	return error == SM_ECLOSED || error == 0 ? 0 : 1;
}
