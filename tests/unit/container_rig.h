/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A real etcd with P/store in it, containers on it, an application thread per container that does as its shards' names say, and the
 * manager's side played by the test: orders over HTTP, records read and written in etcd.
 */
#ifndef CONTAINER_RIG_H
#define CONTAINER_RIG_H

#include "../etcd_server.h"
#include "shardmgr.h"

#include <pthread.h>
#include <stdbool.h>

#define RIG_SERVICE "svc"
#define RIG_STORE "/sm/store"
#define RIG_CLAIM "/sm/app/svc/shardhb/" /* + shard */

struct rig {
	struct etcd_server *etcd;
};

/* arguments for etcd, NULL-terminated; may be NULL. store: write P/store, too. */
void rig_start(struct rig *rig, const char *const *arguments, bool store);
void rig_start_members(struct rig *rig, int members); /* several, with P/store */
void rig_stop(struct rig *rig);

/* ---- etcd ---- */
void rig_put(struct rig *rig, const char *key, const char *value);
void rig_delete(struct rig *rig, const char *key);
char *rig_get(struct rig *rig, const char *key);              /* value, malloc'ed; NULL: absent */
size_t rig_count(struct rig *rig, const char *prefix);        /* keys */
long long rig_revision(struct rig *rig);                      /* of the store */
long long rig_mod_revision(struct rig *rig, const char *key); /* 0: absent */
long long rig_incarnation(struct rig *rig, const char *id);   /* create_revision of id's oldest session key; 0: none */
void rig_revoke(struct rig *rig, const char *id);             /* the leases of id's sessions */

/* ---- containers ---- */

/* Opens one on the rig's etcd; listen and ttl may be NULL. Does not wait. */
struct sm_container *rig_open(struct rig *rig, const char *id, const char *listen, const char *ttl);

/* Waits until condition(arg), polling; fails the test after 30 s. */
#define rig_wait(condition)                                                                                            \
	do {                                                                                                           \
		for (int rig_tries = 0; !(condition); rig_tries++)                                                     \
			rig_pause(rig_tries, #condition, __FILE__, __LINE__);                                          \
	} while (0)
void rig_pause(int tries, const char *what, const char *file, int line);

/* An application: acknowledges everything at once, except that it says no to the add of bad…, and leaves every event of manual…
 * to rig_app_ack. */
struct rig_app {
	struct sm_container *container;
	pthread_t thread;
	pthread_mutex_t mutex;
	_Atomic bool leaving;
	bool ended;
	int end_error;
	unsigned adds, drops, losses; /* events seen */
	struct sm_event *manual[16];  /* unacknowledged */
	char last_lost_reason[256];
};
void rig_app_start(struct rig_app *app, struct sm_container *container);
/* Waits for the thread, which ends when the container has stopped or failed. */
void rig_app_join(struct rig_app *app);
/* The application ends without taking another event. */
void rig_app_leave(struct rig_app *app);
unsigned rig_app_adds(struct rig_app *app);
unsigned rig_app_drops(struct rig_app *app);
unsigned rig_app_losses(struct rig_app *app);
/* The type of the manual shard's unacknowledged event; 0: none. */
int rig_app_pending(struct rig_app *app, const char *shard);
void rig_app_ack(struct rig_app *app, const char *shard, const char *error);
/* Stops the container, waits for the application to see the end, closes. */
void rig_app_stop(struct rig_app *app);

/* ---- the manager's side ---- */

/* POST (body) or GET (NULL); the answer's body, malloc'ed. ret_status may be NULL. */
char *rig_http(const char *id, const char *path, const char *body, long *ret_status);
/* An order for one shard, op "add" or "drop"; its code. *ret_token of an add, may be NULL. */
int rig_order(struct sm_container *container, const char *op, const char *shard, unsigned long long *ret_token);
/* The same in a thread of its own; rig_order_join gives the code. */
struct rig_order {
	pthread_t thread;
	struct sm_container *container;
	const char *op, *shard;
	int code;
	unsigned long long token;
};
void rig_order_start(struct rig_order *order, struct sm_container *container, const char *op, const char *shard);
int rig_order_join(struct rig_order *order);
/* Orders for shards "<name>0" to "<name>count-1" in one request; how many ended with code 0. */
unsigned rig_orders(struct sm_container *container, const char *op, const char *name, unsigned count);

#endif
