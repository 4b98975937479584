/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The public face of a container. Everything happens in container_io; here are the handle and what a forked child may do with it.
 */
#include "common/keys.h"
#include "container_io.h"
#include "container_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sm_container {
	char id[KEYS_ID_BYTES + 1];
	int listen_fd; /* container_io's; known here for a forked child to close */
	struct container_held *held;
	struct container_mailbox *mailbox;
	struct container_io *io;
};

static void container_free(struct sm_container *container)
{
	container_mailbox_free(container->mailbox);
	container_held_free(container->held);
	free(container);
}

static int open_container(struct sm_options *options, struct sm_container *container)
{
	const char *id = options_get(options, OPTIONS_ID), *listen = options_get(options, OPTIONS_LISTEN);
	unsigned port;
	int error = container_held_new(&container->held);

	if (!error)
		error = container_mailbox_new(container->held, &container->mailbox);
	if (error)
		return why_set(&options->why, error, "cannot make a container: %s", sm_error_text(error));
	error = container_listen(listen ? listen : id, &container->listen_fd, &port, &options->why);
	if (error)
		return error;
	error = container_listen_id(id, port, container->id, &options->why);
	if (error) {
		close(container->listen_fd);
		return error;
	}
	return container_io_start(
	        options, container->id, container->listen_fd, container->held, container->mailbox, &container->io);
}

int sm_container_open(struct sm_options *options, struct sm_container **ret_container)
{
	int error = options_check(options);

	if (error)
		return error;
	struct sm_container *container = calloc(1, sizeof *container);
	if (!container)
		return why_set(&options->why, SM_ENOMEM, "out of memory");
	error = open_container(options, container);
	if (error) {
		container_free(container);
		return error;
	}
	*ret_container = container;
	return 0;
}

static bool forked(const struct sm_container *container)
{
	return container_held_forked(container->held);
}

int sm_container_wait(struct sm_container *container, int timeout_ms)
{
	return forked(container) ? SM_EFORKED : container_mailbox_wait(container->mailbox, timeout_ms);
}

const char *sm_container_id(const struct sm_container *container)
{
	return container->id;
}

enum sm_state sm_container_state(const struct sm_container *container)
{
	return forked(container) ? SM_STATE_FAILED : container_mailbox_state(container->mailbox);
}

void sm_container_error(const struct sm_container *container, char *text, size_t text_bytes)
{
	if (forked(container))
		snprintf(text, text_bytes, "%s", sm_error_text(SM_EFORKED));
	else
		container_mailbox_trouble(container->mailbox, text, text_bytes);
}

int sm_container_fd(const struct sm_container *container)
{
	return forked(container) ? SM_EFORKED : container_mailbox_fd(container->mailbox);
}

void sm_container_stop(struct sm_container *container)
{
	if (!forked(container))
		container_mailbox_stop(container->mailbox);
}

int sm_container_next(struct sm_container *container, int timeout_ms, struct sm_event **ret_event)
{
	return forked(container) ? SM_EFORKED : container_mailbox_next(container->mailbox, timeout_ms, ret_event);
}

int sm_container_ack(struct sm_container *container, uint64_t sequence, const char *error)
{
	return forked(container) ? SM_EFORKED : container_mailbox_ack(container->mailbox, sequence, error);
}

uint64_t sm_shard_held(const struct sm_container *container, const char *shard, uint32_t replica)
{
	return shard ? container_held_get(container->held, shard, replica) : 0;
}

/* The loop, the sockets to etcd and the mutex are shared with, or were used by, a thread that is not here: they are left alone. */
static void abandon(struct sm_container *container)
{
	close(container->listen_fd);
	container_mailbox_abandon(container->mailbox);
	container_held_free(container->held);
	free(container);
}

void sm_container_close(struct sm_container *container, int timeout_ms)
{
	if (!container)
		return;
	if (forked(container)) {
		abandon(container);
		return;
	}
	container_mailbox_close(container->mailbox, timeout_ms);
	container_io_join(container->io);
	container_free(container);
}
