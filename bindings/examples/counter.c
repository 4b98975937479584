/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container that carries shards of a service and prints what it is told: counter SERVICE [ETCD-ENDPOINTS [ID]]
 * Try it beside `smd dev`. Ctrl-C gives everything back before it ends; kill -9 does not, and shows what happens then.
 */
#include <inttypes.h>
#include <shardmgr.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static void handle(struct sm_container *container, struct sm_event *event)
{
	static unsigned carried;

	carried += sm_event_type(event) == SM_EVENT_ADD ? 1u : -1u;
	printf("%s %s token %" PRIu64 ", %u carried\n", sm_event_type(event) == SM_EVENT_ADD ? "serve" : "stop",
	        sm_event_shard(event), sm_event_token(event), carried);
	fflush(stdout);
	sm_container_ack(container, sm_event_sequence(event), NULL);
	sm_event_free(event);
}

int main(int argc, char **argv)
{
	struct sm_options *options = sm_options_new();
	struct sm_container *container;
	struct sm_event *event;
	int error;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	sm_options_set(options, "service", argc > 1 ? argv[1] : "counter");
	sm_options_set(options, "endpoints", argc > 2 ? argv[2] : "127.0.0.1:2379");
	sm_options_set(options, "id", argc > 3 ? argv[3] : "127.0.0.1:0");
	if (sm_container_open(options, &container) < 0)
		return fprintf(stderr, "%s\n", sm_options_error(options)), 1;
	sm_options_free(options);
	printf("container %s\n", sm_container_id(container));
	fflush(stdout);
	while ((error = sm_container_next(container, 200, &event)) == 0 || error == SM_ETIMEDOUT) {
		if (interrupted)
			sm_container_stop(container);
		if (error == 0)
			handle(container, event);
	}
	sm_container_close(container, 2000);
	return error == SM_ECLOSED ? 0 : 1;
}
