/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The sync process: makes the parts, and passes on what one of them tells to those that want to know.
 */
#include "../common/log.h"
#include "../common/role.h"
#include "sync_apply.h"
#include "sync_command.h"
#include "sync_ensure.h"
#include "sync_free_run.h"
#include "sync_hash.h"
#include "sync_load.h"
#include "sync_sweep.h"

#include <errno.h>
#include <shardmgr.h>
#include <string.h>
#include <unistd.h>

#define STOP_S 5
#define CONNECTIONS 8 /* to etcd: bulk commands and freeing, each up to four at a time */
#define REPORTS 256   /* malformed values remembered, so that a reload does not report them again */

struct sync {
	struct role role;
	struct keys keys;
	struct etcd *etcd;
	struct sync_apply apply;
	struct sync_context context;
	struct sync_load *load;
	struct sync_free_run *free_run;
	struct sync_sweep *sweep;
	struct sync_ensure *ensure;
	struct sync_command *command;
	struct event *stop_timer;
	uint64_t reports[REPORTS];
	size_t report;
	uint64_t stop_boot_ns; /* when to end although commands are under way */
	bool ready, stopping;
};

/* ---- what the view's changes mean to others ---- */

static void on_session(void *arg, const char *service, const char *container, int64_t began, int64_t ended)
{
	struct sync *sync = arg;

	sync_free_run_session(sync->free_run, service, container, began, ended);
	if (ended != 0)
		sync_sweep_went(sync->sweep, service);
}

static void on_claim(
        void *arg, const char *service, const char *shard, uint32_t replica, const struct view_claim *claim)
{
	struct sync *sync = arg;

	sync_free_run_claim(sync->free_run, service, shard, replica, claim);
	if (claim == NULL)
		sync_sweep_went(sync->sweep, service);
}

static void on_spec(void *arg, const char *service, int64_t max_recovery_time_s)
{
	struct sync *sync = arg;

	sync_free_run_spec(sync->free_run, service, max_recovery_time_s);
	sync_ensure_spec(sync->ensure, service);
}

static void on_place(void *arg, const char *service)
{
	struct sync *sync = arg;

	sync_ensure_place(sync->ensure, service);
}

static void on_deleted(void *arg, const char *service, int64_t mod_revision)
{
	struct sync *sync = arg;

	sync_sweep_mark(sync->sweep, service, mod_revision);
}

static void on_malformed(void *arg, const char *key, int64_t mod_revision, const char *why)
{
	struct sync *sync = arg;
	uint64_t report = sync_hash_number(sync_hash_text(SYNC_HASH_START, key), (uint64_t)mod_revision);

	for (size_t i = 0; i < REPORTS; i++)
		if (sync->reports[i] == report)
			return;
	sync->reports[sync->report++ % REPORTS] = report;
	log_warning("%s is left alone: %s", key, why);
}

static const struct sync_apply_hooks apply_hooks = { .session = on_session,
	.claim = on_claim,
	.spec = on_spec,
	.place = on_place,
	.deleted = on_deleted,
	.malformed = on_malformed };

/* ---- following ---- */

static void ring(int fd)
{
	static const uint64_t one = 1;

	/* Full means that it has been ringing for long. */
	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		fatalx("cannot ring the bell on descriptor %d: %s", fd, strerror(errno));
}

static void say_ready(struct sync *sync)
{
	if (!sync->ready)
		role_ready(&sync->role);
	sync->ready = true;
}

/* Commands wait in the socket until add-spec and del-spec have their fence. */
static void listen_when_complete(struct sync *sync)
{
	const char *why;

	if (!sync->stopping && sync_load_following(sync->load, &why) && sync_ensure_complete(sync->ensure))
		sync_command_listen(sync->command, ROLE_FD_LISTEN);
}

static void on_loading(void *arg)
{
	struct sync *sync = arg;

	sync->context.changed_revision = 0; /* what is listed now shows it; and a restored store counts anew */
	sync_free_run_loading(sync->free_run);
	sync_sweep_loading(sync->sweep);
	sync_ensure_loading(sync->ensure);
}

static void on_loaded(void *arg, bool fresh)
{
	struct sync *sync = arg;

	sync_free_run_loaded(sync->free_run);
	sync_sweep_loaded(sync->sweep, fresh);
	sync_ensure_loaded(sync->ensure, fresh);
	sync_command_published(sync->command, sync_load_revision(sync->load));
	say_ready(sync);
	listen_when_complete(sync);
}

static void on_published(void *arg, int64_t revision, bool changed)
{
	struct sync *sync = arg;

	if (changed) {
		ring(ROLE_FD_BELL_BALANCER);
		ring(ROLE_FD_BELL_HTTP);
	}
	sync_command_published(sync->command, revision);
	sync_free_run_published(sync->free_run);
	sync_sweep_published(sync->sweep);
	listen_when_complete(sync);
}

static void on_trusted(void *arg, bool trusted)
{
	struct sync *sync = arg;

	sync_free_run_hold(sync->free_run, !trusted);
}

static const struct sync_load_hooks load_hooks = { on_loading, on_loaded, on_published, on_trusted };

static bool is_following(void *arg, const char **ret_why)
{
	struct sync *sync = arg;

	return sync_load_following(sync->load, ret_why);
}

/* ---- stopping ---- */

static void end_when_idle(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval tick = { .tv_usec = 10000 };
	struct sync *sync = arg;

	(void)fd;
	(void)what;
	if (sync_command_busy(sync->command) == 0 || clocks_now().boot_ns >= sync->stop_boot_ns)
		event_base_loopbreak(sync->role.base);
	else
		evtimer_add(sync->stop_timer, &tick);
}

static void on_stop(void *arg)
{
	struct sync *sync = arg;

	sync->stopping = true;
	sync->stop_boot_ns = clocks_now().boot_ns + UINT64_C(1000000000) * STOP_S;
	sync_command_stop_listening(sync->command);
	end_when_idle(-1, 0, sync);
}

/* ---- making the parts ---- */

static bool open_view(struct sync *sync)
{
	const struct config *config = sync->role.config;
	const struct view_identity identity = { .prefix = sync->keys.prefix, .manager_service = sync->keys.manager };
	bool resumable = false;
	int error = view_writer_open(config->runtime_dir, &identity, &sync->apply.writer, &resumable);

	if (error == SM_EEXIST)
		role_fatal(&sync->role, "another smd writes the view in %s; give this one a runtimeDir of its own",
		        config->runtime_dir);
	if (error != 0)
		role_fatal(&sync->role, "cannot open the view in %s (error %d)", config->runtime_dir, error);
	return resumable;
}

static void open_etcd(struct sync *sync)
{
	const struct config *config = sync->role.config;
	const struct etcd_config etcd_config = { .endpoints = (const char *const *)config->endpoints,
		.endpoint_count = config->endpoint_count,
		.username = config->etcd_username,
		.password = config->etcd_password,
		.ca_file = config->etcd_ca,
		.cert_file = config->etcd_cert,
		.key_file = config->etcd_key,
		.connections = CONNECTIONS };
	struct why why = { "" };

	if (etcd_new(sync->role.base, &etcd_config, &sync->etcd, &why) != 0)
		role_fatal(&sync->role, "etcd: %s", why.text);
}

static void make_parts(struct sync *sync, bool resumable)
{
	struct event_base *base = sync->role.base;

	sync->apply.keys = &sync->keys;
	sync->apply.hooks = &apply_hooks;
	sync->apply.arg = sync;
	sync->apply.sessions = sync_sessions_new();
	sync->context = (struct sync_context){
		.base = base, .etcd = sync->etcd, .keys = &sync->keys, .writer = sync->apply.writer
	};
	sync->free_run = sync_free_run_new(base, sync->etcd, &sync->apply);
	sync->sweep = sync_sweep_new(&sync->context);
	sync->ensure = sync_ensure_new(&sync->context);
	sync->command = sync_command_new(&sync->context, is_following, sync);
	sync->load = sync_load_new(base, sync->etcd, &sync->apply, &load_hooks, sync, resumable);
	sync->stop_timer = evtimer_new(base, end_when_idle, sync);
	if (sync->apply.sessions == NULL || sync->free_run == NULL || sync->sweep == NULL || sync->ensure == NULL ||
	        sync->command == NULL || sync->load == NULL || sync->stop_timer == NULL)
		role_fatal(&sync->role, "out of memory");
}

static void free_parts(struct sync *sync)
{
	event_free(sync->stop_timer);
	sync_load_free(sync->load);
	sync_command_free(sync->command);
	sync_ensure_free(sync->ensure);
	sync_sweep_free(sync->sweep);
	sync_free_run_free(sync->free_run);
	sync_sessions_free(sync->apply.sessions);
	sync_apply_done(&sync->apply);
	etcd_free(sync->etcd);
	view_writer_close(sync->apply.writer);
}

int sync_main(void)
{
	struct sync sync = { .ready = false };
	struct why why = { "" };
	bool resumable;
	int status;

	role_init(&sync.role, "sync");
	sync.role.stop = on_stop;
	sync.role.arg = &sync;
	if (keys_init(&sync.keys, sync.role.config->etcd_prefix, sync.role.config->service, &why) != 0)
		role_fatal(&sync.role, "%s", why.text);
	resumable = open_view(&sync);
	open_etcd(&sync);
	make_parts(&sync, resumable);
	/* The view of before is served whether etcd is there or not. */
	if (resumable)
		say_ready(&sync);
	sync_load_start(sync.load);
	status = role_run(&sync.role);
	free_parts(&sync);
	role_done(&sync.role);
	return status;
}
