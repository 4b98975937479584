/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * TLS to a real etcd that asks for client certificates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../etcd_server.h"
#include "etcd_ask.h"
#include "shardmgr.h"

#include <string.h>

static struct etcd_server *server;

static int set_up(void **state)
{
	const struct etcd_server_options options = { .tls = 1 };

	(void)state;
	server = etcd_server_start(&options);
	return server ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	etcd_server_stop(server);
	return 0;
}

static struct ask *with(const char *ca_file, const char *cert_file, const char *key_file)
{
	const struct etcd_config config = { .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file };

	return ask_new(NULL, etcd_server_endpoints(server), &config);
}

static void certificates_open_the_door(void **state)
{
	struct ask *ask =
	        with(ETCD_SERVER_TLS "ca.pem", ETCD_SERVER_TLS "client.pem", ETCD_SERVER_TLS "client-key.pem");
	struct ask_watch seen = { .wanted_events = 10, .wanted_alives = 2 };
	struct etcd_watch *watch;

	(void)state;
	watch = etcd_watch_open(ask->etcd, "/", 1, &ask_watch_handler, &seen);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ask_put(ask, "/a", "1", 0), 0);
	ask_wait_watch(ask, &seen); /* the second sign of life is an answer to a question */
	assert_int_equal(seen.failures, 0);
	etcd_watch_close(watch);
	ask_watch_done(&seen);
	ask_free(ask);
}

static void bare_addresses_are_https_when_there_are_certificates(void **state)
{
	const char *const endpoints[] = { etcd_server_endpoints(server)[0] + strlen("https://"), NULL };
	const struct etcd_config config = { .ca_file = ETCD_SERVER_TLS "ca.pem",
		.cert_file = ETCD_SERVER_TLS "client.pem",
		.key_file = ETCD_SERVER_TLS "client-key.pem" };
	struct ask *ask = ask_new(NULL, endpoints, &config);

	(void)state;
	assert_int_equal(ask_get(ask, "/a"), 0);
	ask_free(ask);
}

static void check_unavailable(struct ask *ask)
{
	assert_int_equal(ask_put(ask, "/a", "1", 0), SM_EUNAVAILABLE);
	assert_string_not_equal(ask->why, "");
	ask_free(ask);
}

static void a_server_of_another_authority_is_not_trusted(void **state)
{
	(void)state;
	check_unavailable(
	        with(ETCD_SERVER_TLS "other-ca.pem", ETCD_SERVER_TLS "client.pem", ETCD_SERVER_TLS "client-key.pem"));
	check_unavailable(with(NULL, NULL, NULL));
}

static void missing_files_are_said(void **state)
{
	struct ask *ask = with("/nonexistent/ca.pem", NULL, NULL);

	(void)state;
	assert_int_equal(ask_get(ask, "/a"), SM_EUNAVAILABLE);
	assert_non_null(strstr(ask->why, "/nonexistent/ca.pem"));
	ask_free(ask);
}

/* With TLS 1.3 the refusal comes after the request was sent. */
static void without_a_certificate_nothing_is_answered(void **state)
{
	struct ask *ask = with(ETCD_SERVER_TLS "ca.pem", NULL, NULL);

	(void)state;
	assert_int_equal(ask_get(ask, "/a"), SM_EUNAVAILABLE);
	assert_true(ask_put(ask, "/a", "1", 0) == SM_EUNKNOWN || ask->error == SM_EUNAVAILABLE);
	ask_free(ask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_open_the_door),
		cmocka_unit_test(bare_addresses_are_https_when_there_are_certificates),
		cmocka_unit_test(a_server_of_another_authority_is_not_trusted),
		cmocka_unit_test(missing_files_are_said),
		cmocka_unit_test(without_a_certificate_nothing_is_answered),
	};

	return cmocka_run_group_tests_name("etcd_tls", tests, set_up, tear_down);
}
