/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The conformance container in C; what it prints is in README.md beside this file.
 */
#include <inttypes.h>
#include <poll.h>
#include <shardmgr.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#define FAILED_SHARDS 64

static char failed[FAILED_SHARDS][129]; /* shards that have failed once */
static size_t failed_count;

static void print_event(struct sm_container *c, const char *name, const struct sm_event *e)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	printf("{\"event\":\"%s\",\"shard\":\"%s\",\"task\":\"%s\",\"token\":\"%" PRIu64 "\",\"held\":\"%" PRIu64
	       "\",\"ns\":%" PRIu64 "}\n",
	        name, sm_event_shard(e), sm_event_task(e), sm_event_token(e),
	        sm_shard_held(c, sm_event_shard(e), sm_event_replica(e)),
	        (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
	fflush(stdout);
}

static const char *told_to_fail(const struct sm_event *e)
{
	if (strcmp(sm_event_task(e), "fail-once") != 0)
		return NULL;
	for (size_t i = 0; i < failed_count; i++)
		if (strcmp(failed[i], sm_event_shard(e)) == 0)
			return NULL;
	if (failed_count < FAILED_SHARDS)
		snprintf(failed[failed_count++], sizeof(failed[0]), "%s", sm_event_shard(e));
	return "told to fail";
}

static void handle(struct sm_container *c, struct sm_event *e)
{
	static const char *const names[] = {
		[SM_EVENT_ADD] = "add", [SM_EVENT_DROP] = "drop", [SM_EVENT_LOST] = "lost"
	};
	const char *error = sm_event_type(e) == SM_EVENT_ADD ? told_to_fail(e) : NULL;

	print_event(c, error ? "failed" : names[sm_event_type(e)], e);
	sm_container_ack(c, sm_event_sequence(e), error);
	sm_event_free(e);
}

static int run(struct sm_container *c, int signals)
{
	struct pollfd fds[] = { { sm_container_fd(c), POLLIN, 0 }, { signals, POLLIN, 0 } };
	struct sm_event *e;
	int error;

	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents) {
			sm_container_stop(c);
			fds[1].fd = -1;
		}
		while ((error = sm_container_next(c, 0, &e)) == 0)
			handle(c, e);
		if (error != SM_ETIMEDOUT)
			return error;
	}
}

int main(int argc, char **argv)
{
	struct sm_options *o = sm_options_new();
	struct sm_container *c;
	sigset_t set;
	int error;

	if (argc < 4) {
		fprintf(stderr, "usage: %s SERVICE ID ENDPOINTS [TTL]\n", argv[0]);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sm_options_set(o, "service", argv[1]) || sm_options_set(o, "id", argv[2]) ||
	        sm_options_set(o, "endpoints", argv[3]) || (argc > 4 && sm_options_set(o, "ttl", argv[4])) ||
	        sm_container_open(o, &c)) {
		fprintf(stderr, "%s\n", sm_options_error(o));
		return 1;
	}
	sm_options_free(o);
	error = sm_container_wait(c, 30000);
	if (!error) {
		printf("{\"event\":\"open\",\"id\":\"%s\"}\n", sm_container_id(c));
		fflush(stdout);
		error = run(c, signalfd(-1, &set, SFD_CLOEXEC));
	}
	if (error != SM_ECLOSED) {
		char text[1024];
		sm_container_error(c, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", sm_error_text(error), text);
	}
	sm_container_close(c, 2000);
	printf("{\"event\":\"closed\"}\n");
	return error == SM_ECLOSED ? 0 : 1;
}
