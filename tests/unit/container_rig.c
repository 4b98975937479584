/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Containers, their application, and the manager's side.
 */
#include "container_rig.h"

#include <curl/curl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

void rig_start(struct rig *rig, const char *const *arguments, bool store)
{
	struct etcd_server_options options = { .members = 1 };

	for (int i = 0; arguments && arguments[i]; i++)
		options.arguments[i] = arguments[i];
	rig->etcd = etcd_server_start(&options);
	assert_non_null(rig->etcd);
	if (store)
		rig_put(rig, RIG_STORE, "{\"incarnation\":1}");
}

void rig_start_members(struct rig *rig, int members)
{
	struct etcd_server_options options = { .members = members };

	rig->etcd = etcd_server_start(&options);
	assert_non_null(rig->etcd);
	rig_put(rig, RIG_STORE, "{\"incarnation\":1}");
}

void rig_stop(struct rig *rig)
{
	etcd_server_stop(rig->etcd);
}

/* ---- containers ---- */

struct sm_container *rig_open(struct rig *rig, const char *id, const char *listen, const char *ttl)
{
	struct sm_options *options = sm_options_new();
	struct sm_container *container = NULL;

	assert_non_null(options);
	assert_int_equal(sm_options_set(options, "service", RIG_SERVICE), 0);
	assert_int_equal(sm_options_set(options, "id", id), 0);
	char endpoints[512] = "";
	for (size_t i = 0; i < etcd_server_members(rig->etcd); i++) {
		size_t used = strlen(endpoints);
		snprintf(endpoints + used, sizeof endpoints - used, "%s%s", i ? "," : "",
		        etcd_server_endpoints(rig->etcd)[i]);
	}
	assert_int_equal(sm_options_set(options, "endpoints", endpoints), 0);
	if (listen)
		assert_int_equal(sm_options_set(options, "listen", listen), 0);
	if (ttl)
		assert_int_equal(sm_options_set(options, "ttl", ttl), 0);
	int error = sm_container_open(options, &container);
	if (error)
		fail_msg("sm_container_open: %s", sm_options_error(options));
	sm_options_free(options);
	return container;
}

void rig_pause(int tries, const char *what, const char *file, int line)
{
	struct timespec pause = { .tv_nsec = 5000000 };

	if (tries > 6000)
		fail_msg("%s:%d: waited 30 s in vain for %s", file, line, what);
	nanosleep(&pause, NULL);
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static void app_event(struct rig_app *app, struct sm_event *event)
{
	enum sm_event_type type = sm_event_type(event);
	bool manual = starts_with(sm_event_shard(event), "manual"), kept = false;
	bool bad = type == SM_EVENT_ADD && starts_with(sm_event_shard(event), "bad");

	pthread_mutex_lock(&app->mutex);
	app->adds += type == SM_EVENT_ADD;
	app->drops += type == SM_EVENT_DROP;
	app->losses += type == SM_EVENT_LOST;
	if (type == SM_EVENT_LOST)
		snprintf(app->last_lost_reason, sizeof app->last_lost_reason, "%s", sm_event_reason(event));
	for (size_t i = 0; manual && !kept && i < 16; i++) {
		if (!app->manual[i]) {
			app->manual[i] = event;
			kept = true;
		}
	}
	pthread_mutex_unlock(&app->mutex);
	if (kept)
		return;
	sm_container_ack(app->container, sm_event_sequence(event), bad ? "this one cannot be served" : NULL);
	sm_event_free(event);
}

static void *app_run(void *arg)
{
	struct rig_app *app = arg;
	struct sm_event *event;
	int error;

	while ((error = sm_container_next(app->container, 20, &event)) == 0 ||
	        (error == SM_ETIMEDOUT && !app->leaving)) {
		if (error == 0)
			app_event(app, event);
	}
	pthread_mutex_lock(&app->mutex);
	app->ended = true;
	app->end_error = error;
	pthread_mutex_unlock(&app->mutex);
	return NULL;
}

void rig_app_start(struct rig_app *app, struct sm_container *container)
{
	*app = (struct rig_app){ .container = container };
	pthread_mutex_init(&app->mutex, NULL);
	assert_int_equal(pthread_create(&app->thread, NULL, app_run, app), 0);
}

void rig_app_leave(struct rig_app *app)
{
	app->leaving = true;
	rig_app_join(app);
}

void rig_app_join(struct rig_app *app)
{
	pthread_join(app->thread, NULL);
	pthread_mutex_destroy(&app->mutex);
}

static unsigned read_count(struct rig_app *app, const unsigned *count)
{
	pthread_mutex_lock(&app->mutex);
	unsigned value = *count;
	pthread_mutex_unlock(&app->mutex);
	return value;
}

unsigned rig_app_adds(struct rig_app *app)
{
	return read_count(app, &app->adds);
}

unsigned rig_app_drops(struct rig_app *app)
{
	return read_count(app, &app->drops);
}

unsigned rig_app_losses(struct rig_app *app)
{
	return read_count(app, &app->losses);
}

static struct sm_event **find_manual(struct rig_app *app, const char *shard)
{
	for (size_t i = 0; i < 16; i++) {
		if (app->manual[i] && strcmp(sm_event_shard(app->manual[i]), shard) == 0)
			return &app->manual[i];
	}
	return NULL;
}

int rig_app_pending(struct rig_app *app, const char *shard)
{
	pthread_mutex_lock(&app->mutex);
	struct sm_event **event = find_manual(app, shard);
	int type = event ? (int)sm_event_type(*event) : 0;
	pthread_mutex_unlock(&app->mutex);
	return type;
}

void rig_app_ack(struct rig_app *app, const char *shard, const char *error)
{
	pthread_mutex_lock(&app->mutex);
	struct sm_event **slot = find_manual(app, shard), *event = slot ? *slot : NULL;
	if (slot)
		*slot = NULL;
	pthread_mutex_unlock(&app->mutex);
	assert_non_null(event);
	assert_int_equal(sm_container_ack(app->container, sm_event_sequence(event), error), 0);
	assert_int_equal(sm_container_ack(app->container, sm_event_sequence(event), error), SM_ENOENT);
	sm_event_free(event);
}

void rig_app_stop(struct rig_app *app)
{
	sm_container_stop(app->container);
	rig_app_join(app);
	assert_int_equal(app->end_error, SM_ECLOSED);
	assert_int_equal(sm_container_state(app->container), SM_STATE_STOPPED);
	sm_container_close(app->container, 5000);
}

/* ---- the manager's side ---- */

struct text {
	char *data;
	size_t bytes;
};

static size_t collect(char *data, size_t size, size_t count, void *arg)
{
	struct text *text = arg;

	text->data = realloc(text->data, text->bytes + size * count + 1);
	memcpy(text->data + text->bytes, data, size * count);
	text->bytes += size * count;
	text->data[text->bytes] = '\0';
	return size * count;
}

char *rig_http(const char *id, const char *path, const char *body, long *ret_status)
{
	CURL *curl = curl_easy_init();
	struct text text = { calloc(1, 1), 0 };
	char url[512];
	long status = 0;

	snprintf(url, sizeof url, "http://%s%s", id, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (ret_status)
		*ret_status = status;
	return text.data;
}

static json_t *order_json(const char *op, const char *shard)
{
	if (strcmp(op, "drop") == 0)
		return json_pack("{s:s,s:s,s:i}", "op", op, "id", shard, "replica", 0);
	return json_pack("{s:s,s:s,s:i,s:{s:s,s:s,s:s,s:i}}", "op", op, "id", shard, "replica", 0, "spec", "id", shard,
	        "service", RIG_SERVICE, "task", "the task", "updateTime", 1);
}

int rig_order(struct sm_container *container, const char *op, const char *shard, unsigned long long *ret_token)
{
	json_t *batch = json_pack("{s:s,s:[o]}", "service", RIG_SERVICE, "orders", order_json(op, shard));
	char *body = json_dumps(batch, 0),
	     *answer = rig_http(sm_container_id(container), "/sm/admin/shards", body, NULL);
	json_t *line = json_loads(answer, 0, NULL);
	const char *token = json_string_value(json_object_get(line, "token"));
	int code = -1000;

	if (json_is_integer(json_object_get(line, "code")))
		code = (int)json_integer_value(json_object_get(line, "code"));
	else
		print_message("order %s %s: %s\n", op, shard, answer);
	if (ret_token)
		*ret_token = token ? strtoull(token, NULL, 10) : 0;
	json_decref(line);
	json_decref(batch);
	free(body);
	free(answer);
	return code;
}

static void *order_run(void *arg)
{
	struct rig_order *order = arg;

	order->code = rig_order(order->container, order->op, order->shard, &order->token);
	return NULL;
}

void rig_order_start(struct rig_order *order, struct sm_container *container, const char *op, const char *shard)
{
	*order = (struct rig_order){ .container = container, .op = op, .shard = shard };
	assert_int_equal(pthread_create(&order->thread, NULL, order_run, order), 0);
}

int rig_order_join(struct rig_order *order)
{
	pthread_join(order->thread, NULL);
	return order->code;
}

unsigned rig_orders(struct sm_container *container, const char *op, const char *name, unsigned count)
{
	json_t *orders = json_array(), *batch = json_pack("{s:s,s:o}", "service", RIG_SERVICE, "orders", orders);
	unsigned good = 0;
	char shard[64];

	for (unsigned i = 0; i < count; i++) {
		snprintf(shard, sizeof shard, "%s%u", name, i);
		json_array_append_new(orders, order_json(op, shard));
	}
	char *body = json_dumps(batch, 0),
	     *answer = rig_http(sm_container_id(container), "/sm/admin/shards", body, NULL);
	for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n"))
		good += strstr(line, "\"code\":0,") != NULL;
	json_decref(batch);
	free(body);
	free(answer);
	return good;
}
