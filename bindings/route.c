/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Routing: lookups in the view from any number of threads. When sync publishes a new segment one of them opens it and puts it in the place of
 * the old one, which is closed once no lookup is under way any more.
 */
#include "shardmgr.h"
#include "view_reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define DEFAULT_DIR "/run/shardmgr"

struct retired {
	struct retired *next;
	struct view *view;
};

struct sm_route {
	char *dir;
	_Atomic(struct view *) view;
	_Atomic unsigned readers;  /* lookups under way, each with a view that it has loaded after it was counted */
	_Atomic bool *alive;       /* a page of its own, wiped in a forked child */
	pthread_mutex_t remapping; /* only ever tried */
	_Atomic(struct retired *) retired;
};

static size_t page_bytes(void)
{
	return sizeof(_Atomic bool);
}

int sm_route_open(const char *runtime_dir, struct sm_route **ret_route)
{
	struct sm_route *route = calloc(1, sizeof *route);
	struct view *view;
	int error = SM_ENOMEM;

	if (!route)
		return SM_ENOMEM;
	route->dir = strdup(runtime_dir ? runtime_dir : DEFAULT_DIR);
	void *page = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!route->dir || page == MAP_FAILED)
		goto out;
	error = SM_ESYSTEM;
	if (madvise(page, page_bytes(), MADV_WIPEONFORK) != 0)
		goto out;
	error = view_open(route->dir, &view);
	if (error)
		goto out;
	pthread_mutex_init(&route->remapping, NULL);
	route->alive = page;
	atomic_store(route->alive, true);
	atomic_store(&route->view, view);
	*ret_route = route;
	return 0;
out:
	if (page != MAP_FAILED)
		munmap(page, page_bytes());
	free(route->dir);
	free(route);
	return error;
}

static void free_retired(struct sm_route *route)
{
	struct retired *list = atomic_exchange(&route->retired, NULL);

	for (struct retired *next; list; list = next) {
		next = list->next;
		view_close(list->view);
		free(list);
	}
}

void sm_route_close(struct sm_route *route)
{
	if (!route)
		return;
	free_retired(route);
	view_close(atomic_load(&route->view));
	munmap((void *)route->alive, page_bytes());
	free(route->dir);
	free(route);
}

/* Counted first, loaded second: who sees no reader after he has replaced the view knows that nobody has the old one. */
static struct view *enter(struct sm_route *route)
{
	atomic_fetch_add(&route->readers, 1);
	return atomic_load(&route->view);
}

static void leave(struct sm_route *route)
{
	atomic_fetch_sub(&route->readers, 1);
}

static void replace(struct sm_route *route)
{
	struct retired *retired = malloc(sizeof *retired);
	struct view *view;

	if (!retired || view_open(route->dir, &view) != 0) {
		free(retired);
		return; /* the old one is still good */
	}
	retired->view = atomic_exchange(&route->view, view);
	retired->next = atomic_load(&route->retired);
	atomic_store(&route->retired, retired);
}

static void keep_up(struct sm_route *route)
{
	bool stale = view_is_stale(enter(route));

	leave(route);
	if (!stale && !atomic_load(&route->retired))
		return;
	if (pthread_mutex_trylock(&route->remapping) != 0)
		return; /* somebody else is at it */
	if (view_is_stale(atomic_load(&route->view)))
		replace(route);
	if (atomic_load(&route->readers) == 0)
		free_retired(route);
	pthread_mutex_unlock(&route->remapping);
}

static int copy_owner(const struct view *view, const struct view_owner *owner, char *address, size_t address_bytes,
        uint64_t *ret_token)
{
	uint32_t row = view_container_by_number(view, owner->container);
	struct view_container container;

	if (row == VIEW_NONE)
		return SM_ENOENT;
	view_container_get(view, row, &container);
	size_t bytes = strlen(container.id) + 1;
	if (bytes > address_bytes)
		return SM_EINVAL;
	memcpy(address, container.id, bytes);
	*ret_token = owner->token;
	return 0;
}

int sm_route_lookup(struct sm_route *route, const char *service, const char *shard, uint32_t replica, char *address,
        size_t address_bytes, uint64_t *ret_token)
{
	struct view_owner owner;
	int error = SM_ENOENT;

	if (!service || !shard)
		return SM_EINVAL;
	if (!atomic_load(route->alive))
		return SM_EFORKED;
	keep_up(route);
	struct view *view = enter(route);
	if (view_lookup(view, service, strlen(service), shard, strlen(shard), replica, &owner) && owner.container != 0)
		error = copy_owner(view, &owner, address, address_bytes, ret_token);
	leave(route);
	return error;
}

int64_t sm_route_age_ms(struct sm_route *route)
{
	struct timespec now;

	if (!atomic_load(route->alive))
		return -1;
	keep_up(route);
	uint64_t synced_ms = view_synced_at_ms(enter(route));
	leave(route);
	clock_gettime(CLOCK_BOOTTIME, &now);
	int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (synced_ms == 0)
		return -1;
	return now_ms > (int64_t)synced_ms ? now_ms - (int64_t)synced_ms : 0;
}
