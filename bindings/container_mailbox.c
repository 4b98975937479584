/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Queue of events, unacknowledged events by sequence, and the two descriptors that wake the two sides.
 */
#include "container_mailbox.h"

#include "container_held.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 1024u

struct container_mailbox {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct container_held *held;
	int ready_fd; /* readable while sm_container_next would return at once */
	int wake_fd;
	bool ready;
	struct sm_event *first, **last;
	uint64_t sequence;
	struct container_mailbox_ticket *unacked[BUCKETS];
	struct container_mailbox_taken taken; /* what the I/O thread has not taken yet */
	struct container_mailbox_ticket **last_acked;
	enum sm_state state;
	int error;
	char trouble[512];
};

int container_mailbox_new(struct container_held *held, struct container_mailbox **ret_mailbox)
{
	struct container_mailbox *mailbox = calloc(1, sizeof *mailbox);
	pthread_condattr_t monotonic;

	if (!mailbox)
		return SM_ENOMEM;
	mailbox->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mailbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->ready_fd < 0 || mailbox->wake_fd < 0) {
		container_mailbox_abandon(mailbox);
		free(mailbox);
		return SM_ESYSTEM;
	}
	pthread_mutex_init(&mailbox->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&mailbox->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	mailbox->held = held;
	mailbox->last = &mailbox->first;
	mailbox->last_acked = &mailbox->taken.acked;
	mailbox->state = SM_STATE_OPENING;
	*ret_mailbox = mailbox;
	return 0;
}

void container_mailbox_abandon(struct container_mailbox *mailbox)
{
	if (mailbox->ready_fd >= 0)
		close(mailbox->ready_fd);
	if (mailbox->wake_fd >= 0)
		close(mailbox->wake_fd);
}

void container_mailbox_free(struct container_mailbox *mailbox)
{
	if (!mailbox)
		return;
	for (struct sm_event *event = mailbox->first, *next; event; event = next) {
		next = event->next;
		sm_event_free(event);
	}
	for (struct container_mailbox_ticket *ticket = mailbox->taken.acked; ticket; ticket = ticket->next)
		free(ticket->error);
	container_mailbox_abandon(mailbox);
	pthread_cond_destroy(&mailbox->changed);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox);
}

/* ---- waking ---- */

static void ring(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void hush(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

static bool ended(const struct container_mailbox *mailbox)
{
	return mailbox->state == SM_STATE_STOPPED || mailbox->state == SM_STATE_FAILED;
}

static void update_ready(struct container_mailbox *mailbox)
{
	bool ready = mailbox->first || ended(mailbox);

	if (ready != mailbox->ready) {
		if (ready)
			ring(mailbox->ready_fd);
		else
			hush(mailbox->ready_fd);
	}
	mailbox->ready = ready;
}

static struct timespec deadline_in(int timeout_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	at.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

/* false: the time is over. */
static bool wait_for_change(struct container_mailbox *mailbox, int timeout_ms, const struct timespec *deadline)
{
	if (timeout_ms < 0)
		return pthread_cond_wait(&mailbox->changed, &mailbox->mutex) == 0;
	return pthread_cond_timedwait(&mailbox->changed, &mailbox->mutex, deadline) != ETIMEDOUT;
}

/* ---- the application's side ---- */

static struct sm_event *take_event(struct container_mailbox *mailbox)
{
	struct sm_event *event = mailbox->first;

	if (event) {
		mailbox->first = event->next;
		if (!mailbox->first)
			mailbox->last = &mailbox->first;
		event->next = NULL;
	}
	return event;
}

int container_mailbox_next(struct container_mailbox *mailbox, int timeout_ms, struct sm_event **ret_event)
{
	struct timespec deadline = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
	int error = 0;

	pthread_mutex_lock(&mailbox->mutex);
	bool in_time = timeout_ms != 0;
	while (!mailbox->first && !ended(mailbox) && in_time)
		in_time = wait_for_change(mailbox, timeout_ms, &deadline);
	struct sm_event *event = take_event(mailbox);
	if (event)
		*ret_event = event;
	else if (ended(mailbox))
		error = mailbox->state == SM_STATE_STOPPED ? SM_ECLOSED : mailbox->error;
	else
		error = SM_ETIMEDOUT;
	update_ready(mailbox);
	pthread_mutex_unlock(&mailbox->mutex);
	return error;
}

static struct container_mailbox_ticket **find_ticket(struct container_mailbox *mailbox, uint64_t sequence)
{
	struct container_mailbox_ticket **at = &mailbox->unacked[sequence % BUCKETS];

	while (*at && (*at)->sequence != sequence)
		at = &(*at)->next;
	return at;
}

int container_mailbox_ack(struct container_mailbox *mailbox, uint64_t sequence, const char *error)
{
	char *copy = error ? strdup(error) : NULL;

	if (error && !copy)
		return SM_ENOMEM;
	pthread_mutex_lock(&mailbox->mutex);
	struct container_mailbox_ticket **at = find_ticket(mailbox, sequence), *ticket = *at;
	if (!ticket) {
		pthread_mutex_unlock(&mailbox->mutex);
		free(copy);
		return SM_ENOENT;
	}
	*at = ticket->next;
	if (ticket->type != SM_EVENT_ADD || error)
		container_held_set(mailbox->held, &ticket->held_key, 0);
	ticket->error = copy;
	ticket->next = NULL;
	*mailbox->last_acked = ticket;
	mailbox->last_acked = &ticket->next;
	pthread_mutex_unlock(&mailbox->mutex);
	ring(mailbox->wake_fd);
	return 0;
}

int container_mailbox_wait(struct container_mailbox *mailbox, int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
	bool in_time = true;
	int error = SM_ETIMEDOUT;

	pthread_mutex_lock(&mailbox->mutex);
	while (mailbox->state == SM_STATE_OPENING && in_time)
		in_time = wait_for_change(mailbox, timeout_ms, &deadline);
	if (mailbox->state == SM_STATE_FAILED)
		error = mailbox->error;
	else if (mailbox->state == SM_STATE_STOPPING || mailbox->state == SM_STATE_STOPPED)
		error = SM_ECLOSED;
	else if (mailbox->state != SM_STATE_OPENING)
		error = 0;
	pthread_mutex_unlock(&mailbox->mutex);
	return error;
}

int container_mailbox_fd(const struct container_mailbox *mailbox)
{
	return mailbox->ready_fd;
}

enum sm_state container_mailbox_state(struct container_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	enum sm_state state = mailbox->state;
	pthread_mutex_unlock(&mailbox->mutex);
	return state;
}

void container_mailbox_trouble(struct container_mailbox *mailbox, char *text, size_t text_bytes)
{
	pthread_mutex_lock(&mailbox->mutex);
	snprintf(text, text_bytes, "%s", mailbox->trouble);
	pthread_mutex_unlock(&mailbox->mutex);
}

void container_mailbox_stop(struct container_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->taken.stop = true;
	pthread_mutex_unlock(&mailbox->mutex);
	ring(mailbox->wake_fd);
}

void container_mailbox_close(struct container_mailbox *mailbox, int timeout_ms)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->taken.close = true;
	mailbox->taken.close_timeout_ms = timeout_ms;
	pthread_mutex_unlock(&mailbox->mutex);
	ring(mailbox->wake_fd);
}

/* ---- the I/O thread's side ---- */

int container_mailbox_wake_fd(const struct container_mailbox *mailbox)
{
	return mailbox->wake_fd;
}

void container_mailbox_tell(
        struct container_mailbox *mailbox, struct sm_event *event, struct container_mailbox_ticket *ticket)
{
	pthread_mutex_lock(&mailbox->mutex);
	ticket->sequence = event->sequence = ++mailbox->sequence;
	ticket->type = event->type;
	ticket->error = NULL;
	struct container_mailbox_ticket **bucket = &mailbox->unacked[ticket->sequence % BUCKETS];
	ticket->next = *bucket;
	*bucket = ticket;
	event->next = NULL;
	*mailbox->last = event;
	mailbox->last = &event->next;
	update_ready(mailbox);
	pthread_cond_broadcast(&mailbox->changed);
	pthread_mutex_unlock(&mailbox->mutex);
}

void container_mailbox_take(struct container_mailbox *mailbox, struct container_mailbox_taken *ret_taken)
{
	hush(mailbox->wake_fd);
	pthread_mutex_lock(&mailbox->mutex);
	*ret_taken = mailbox->taken;
	mailbox->taken.acked = NULL;
	mailbox->last_acked = &mailbox->taken.acked;
	pthread_mutex_unlock(&mailbox->mutex);
}

void container_mailbox_set_state(struct container_mailbox *mailbox, enum sm_state state, int error)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->state = state;
	mailbox->error = error;
	update_ready(mailbox);
	pthread_cond_broadcast(&mailbox->changed);
	pthread_mutex_unlock(&mailbox->mutex);
}

void container_mailbox_set_trouble(struct container_mailbox *mailbox, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&mailbox->mutex);
	va_start(args, format);
	if (vsnprintf(mailbox->trouble, sizeof mailbox->trouble, format, args) < 0)
		mailbox->trouble[0] = '\0';
	va_end(args);
	pthread_mutex_unlock(&mailbox->mutex);
}
