/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A container's HTTP endpoints from outside, byte by byte: limits, keep-alive, pipelining, clients that leave.
 */
#include "container_http.h"
#include "container_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct rig rig;
static struct rig_app app;

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, NULL, true);
	rig_app_start(&app, rig_open(&rig, "127.0.0.1:0", NULL, NULL));
	assert_int_equal(sm_container_wait(app.container, 20000), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_app_stop(&app);
	rig_stop(&rig);
	return 0;
}

static int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(sm_container_id(app.container), ':') + 1)) };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static void say(int fd, const char *text)
{
	/* A server that has ended the connection may be found out here. */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads until text has come count times, or the end. */
static bool hear(int fd, const char *text, int count)
{
	static char heard[1 << 16];
	size_t bytes = 0;

	for (;;) {
		int seen = 0;
		ssize_t n = recv(fd, heard + bytes, sizeof heard - 1 - bytes, 0);
		if (n <= 0)
			return false;
		bytes += (size_t)n;
		heard[bytes] = '\0';
		for (const char *at = heard; (at = strstr(at, text)); at++)
			seen++;
		if (seen >= count)
			return true;
	}
}

static bool ended(int fd)
{
	char buffer[4096];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
		;
	return n == 0;
}

#define HEALTH "GET /sm/admin/health HTTP/1.1\r\n\r\n"

static void statuses(void **state)
{
	static const struct {
		long status;
		const char *path, *body;
	} cases[] = {
		{ 200, "/sm/admin/health", NULL },
		{ 405, "/sm/admin/health", "{}" },
		{ 405, "/sm/admin/shards", NULL },
		{ 404, "/sm/admin/", NULL },
		{ 404, "/sm/admin/shards/", "{}" },
		{ 400, "/sm/admin/shards", "{}" },
		{ 400, "/sm/admin/add-shard", "{\"id\":\"s1\",\"spec\":{\"service\":\"\",\"updateTime\":1}}" },
		{ 400, "/sm/admin/add-shard", "{\"id\":\"s1\",\"spec\":{\"service\":\"svc\",\"updateTime\":0}}" },
		{ 400, "/sm/admin/add-shard",
		        "{\"id\":\"s1\",\"spec\":{\"service\":\"svc\",\"updateTime\":1,\"manualContainerId\":\"h:1\"}"
		        "}" },
		{ 500, "/sm/admin/add-shard", "{\"id\":\"bad\",\"spec\":{\"service\":\"svc\",\"updateTime\":1}}" },
		{ 200, "/sm/admin/add-shard", "{\"id\":\"s1\",\"spec\":{\"service\":\"svc\",\"updateTime\":1}}" },
		{ 200, "/sm/admin/add-shard", "{\"id\":\"s1\",\"spec\":{\"service\":\"svc\",\"updateTime\":1}}" },
		{ 200, "/sm/admin/drop-shard", "{\"id\":\"s1\"}" },
		{ 200, "/sm/admin/drop-shard", "{\"id\":\"s1\"}" },
		{ 400, "/sm/admin/drop-shard", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		long status;
		char *answer = rig_http(sm_container_id(app.container), cases[i].path, cases[i].body, &status);
		if (status != cases[i].status || answer[0] != '{')
			fail_msg("case %zu: %ld %s", i, status, answer);
		free(answer);
	}
}

static void one_connection_serves_many(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, HEALTH HEALTH HEALTH);
	assert_true(hear(fd, "\"msg\":\"success\"", 3));
	say(fd, "GET /sm/admin/he");
	say(fd, "alth HTTP/1.1\r\nConnection: clo");
	say(fd, "se\r\n\r\n" HEALTH);
	assert_true(hear(fd, "success", 1));
	assert_true(ended(fd));
	close(fd);
	fd = dial();
	say(fd, "POST /sm/admin/shards HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 29\r\n\r\n");
	assert_true(hear(fd, "100 Continue", 1));
	say(fd, "{\"service\":\"svc\",\"orders\":[]}" HEALTH);
	assert_true(hear(fd, "success", 1));
	close(fd);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[][2] = {
		{ "\x16\x03\x01\x02\r\n\r\n", " 400 " },
		{ "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", " 413 " },
		{ "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", " 411 " },
		{ "POST /sm/admin/drop-shard HTTP/1.1\r\nOrigin: http://x\r\n\r\n", " 403 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		int fd = dial();
		say(fd, texts[i][0]);
		assert_true(hear(fd, texts[i][1], 1));
		assert_true(ended(fd));
		close(fd);
	}
	int fd = dial();
	for (unsigned i = 0; i < CONTAINER_HTTP_HEAD_BYTES / 16; i++)
		say(fd, "aaaaaaaaaaaaaaaa");
	assert_true(hear(fd, " 431 ", 1));
	close(fd);
}

static void client_that_leaves_changes_nothing(void **state)
{
	static const char body[] =
	        "{\"service\":\"svc\",\"orders\":[{\"op\":\"add\",\"id\":\"manual\",\"spec\":{\"service\":\"svc\","
	        "\"updateTime\":1}}]}";
	char request[512];
	int fd = dial();

	(void)state;
	snprintf(request, sizeof request, "POST /sm/admin/shards HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
	        strlen(body), body);
	say(fd, request);
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_ADD);
	close(fd);
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(rig_order(app.container, "add", "manual", NULL), 0);
	assert_true(sm_shard_held(app.container, "manual", 0) != 0);
	struct rig_order drop;
	rig_order_start(&drop, app.container, "drop", "manual");
	rig_wait(rig_app_pending(&app, "manual") == SM_EVENT_DROP);
	rig_app_ack(&app, "manual", NULL);
	assert_int_equal(rig_order_join(&drop), 0);
}

static void connections_over_the_cap_wait(void **state)
{
	int fds[CONTAINER_HTTP_CONNECTIONS + 20];
	size_t count = sizeof fds / sizeof fds[0];

	(void)state;
	for (size_t i = 0; i < count; i++)
		fds[i] = dial();
	say(fds[count - 1], HEALTH);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
	assert_true(hear(fds[count - 1], "success", 1));
	for (size_t i = 20; i < count; i++)
		close(fds[i]);
	assert_int_equal(rig_order(app.container, "drop", "none", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(one_connection_serves_many),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(client_that_leaves_changes_nothing),
		cmocka_unit_test(connections_over_the_cap_wait),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
