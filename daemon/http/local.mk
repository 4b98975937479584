# SPDX-License-Identifier: Apache-2.0
# The HTTP front. libhttp.la holds everything but the role's main, so that tests can link the parts.
noinst_LTLIBRARIES += libhttp.la
libhttp_la_SOURCES = daemon/http/http_app.h \
	daemon/http/http_body.c daemon/http/http_body.h \
	daemon/http/http_cache.c daemon/http/http_cache.h \
	daemon/http/http_command.c daemon/http/http_command.h \
	daemon/http/http_conn.c daemon/http/http_conn.h \
	daemon/http/http_input.c daemon/http/http_input.h \
	daemon/http/http_json.c daemon/http/http_json.h \
	daemon/http/http_metrics.c daemon/http/http_metrics.h \
	daemon/http/http_probe.c daemon/http/http_probe.h \
	daemon/http/http_query.c daemon/http/http_query.h \
	daemon/http/http_read.c daemon/http/http_read.h \
	daemon/http/http_render.c daemon/http/http_render.h \
	daemon/http/http_reply.c daemon/http/http_reply.h \
	daemon/http/http_routes.c daemon/http/http_routes.h \
	daemon/http/http_rows.c daemon/http/http_rows.h \
	daemon/http/http_server.c daemon/http/http_server.h \
	daemon/http/http_swagger.c daemon/http/http_swagger.h \
	daemon/http/http_view.c daemon/http/http_view.h \
	daemon/http/http_write.c daemon/http/http_write.h \
	daemon/http/http_main.c
libhttp_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
libhttp_la_LIBADD = libview.la libdaemon.la libcommon.la $(LIBEVENT_LIBS) $(JANSSON_LIBS)

HTTP_TEST_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_TESTS += tests/unit/test_http_json tests/unit/test_http_input tests/unit/test_http_cache
tests_unit_test_http_json_SOURCES = tests/unit/test_http_json.c daemon/http/http_json.c
tests_unit_test_http_json_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_test_http_json_LDADD = $(JANSSON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_http_input_SOURCES = tests/unit/test_http_input.c daemon/http/http_input.c daemon/http/http_query.c
tests_unit_test_http_input_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_test_http_input_LDADD = libcommon.la $(CMOCKA_LIBS)
tests_unit_test_http_cache_SOURCES = tests/unit/test_http_cache.c daemon/http/http_cache.c daemon/http/http_body.c
tests_unit_test_http_cache_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_test_http_cache_LDADD = $(LIBEVENT_LIBS) $(CMOCKA_LIBS)

# tests/integration/test_http_front.py: the role alone, between a supervisor and a sync that the test plays.
check_PROGRAMS += tests/integration/http_front tests/integration/view_fill
tests_integration_http_front_SOURCES = tests/integration/http_front.c
tests_integration_http_front_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_integration_http_front_LDADD = libhttp.la
tests_integration_view_fill_SOURCES = tests/integration/view_fill.c
tests_integration_view_fill_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_integration_view_fill_LDADD = libview.la libcommon.la $(JANSSON_LIBS)
TESTS += tests/integration/test_http_front.py tests/integration/test_http_limits.py \
	tests/integration/test_manager_http.py
EXTRA_DIST += tests/integration/test_manager_http.py tests/integration/http_front.py tests/integration/test_http_front.py \
	tests/integration/test_http_limits.py daemon/http/README.md tests/bench/manager_http.py
