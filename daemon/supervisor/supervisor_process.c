/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A child, seen from its parent.
 */
#include "supervisor_process.h"

#include "common/clocks.h"
#include "common/link.h"
#include "common/log.h"
#include "shardmgr.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEAT_LATE_MS 3000u /* a child beats every second */

static uint64_t now_ms(void)
{
	return clocks_now().boot_ns / 1000000u;
}

static void on_message(void *arg, struct link *link, json_t *message)
{
	struct supervisor_process *process = arg;
	const char *type = json_string_value(json_object_get(message, "type"));
	const char *text = json_string_value(json_object_get(message, "text"));

	(void)link;
	process->beat_ms = now_ms();
	if (type != NULL && strcmp(type, "ready") == 0) {
		log_info("%s is up (process %d)", process->role, (int)process->pid);
		process->ready(process->arg, process);
	} else if (type != NULL && strcmp(type, "fatal") == 0 && text != NULL) {
		snprintf(process->fatal, sizeof(process->fatal), "%s", text);
	} else if (type == NULL || strcmp(type, "beat") != 0) {
		log_error(
		        "%s sent a message that nobody knows, \"%s\": killed", process->role, type != NULL ? type : "");
		supervisor_process_signal(process, SIGKILL);
	}
}

static void drop_link(struct supervisor_process *process)
{
	link_free(process->link);
	process->link = NULL;
}

static void on_closed(void *arg, struct link *link, const char *why)
{
	(void)link;
	(void)why; /* it is ending: SIGCHLD tells how */
	drop_link(arg);
}

/* Without a link it would never be up: then it ends, and is started again. */
static void take_link(struct supervisor_process *process, int fd)
{
	static const struct link_handler handler = { .message = on_message, .closed = on_closed };

	process->beat_ms = now_ms();
	if (link_new(process->base, fd, &handler, process, &process->link) == 0)
		return;
	close(fd);
	supervisor_process_signal(process, SIGKILL);
}

int supervisor_process_start(
        struct supervisor_process *process, const struct supervisor_spawn *spawn, json_t *config, struct why *why)
{
	int fd, error;

	process->fatal[0] = '\0';
	error = config == NULL ? why_set(why, SM_ENOMEM, "out of memory")
	                       : supervisor_spawn_start(spawn, &process->pid, &fd, why);
	if (error != 0) {
		snprintf(process->fatal, sizeof(process->fatal), "%.200s", why->text);
		return error;
	}
	take_link(process, fd);
	if (process->link != NULL && link_send(process->link, config) != 0)
		supervisor_process_signal(process, SIGKILL);
	return 0;
}

void supervisor_process_adopt(struct supervisor_process *process, pid_t pid, int link_fd)
{
	process->pid = pid;
	take_link(process, link_fd);
}

void supervisor_process_signal(const struct supervisor_process *process, int signal_number)
{
	if (process->pid > 0)
		kill(process->pid, signal_number);
}

static void log_end(const struct supervisor_process *process, int status, bool wanted)
{
	int pid = (int)process->pid;

	if (WIFSIGNALED(status))
		log_warning("%s (process %d) was killed by signal %d (%s)", process->role, pid, WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	else if (wanted && WEXITSTATUS(status) == 0)
		log_info("%s has ended", process->role);
	else
		log_warning("%s (process %d) ended with status %d", process->role, pid, WEXITSTATUS(status));
}

bool supervisor_process_reap(struct supervisor_process *process, bool wanted)
{
	int status;

	if (process->pid == 0 || waitpid(process->pid, &status, WNOHANG) != process->pid)
		return false;
	log_end(process, status, wanted);
	process->pid = 0;
	drop_link(process);
	return true;
}

bool supervisor_process_beats(const struct supervisor_process *process)
{
	return process->pid != 0 && now_ms() - process->beat_ms <= BEAT_LATE_MS;
}

void supervisor_process_done(struct supervisor_process *process)
{
	drop_link(process);
}
