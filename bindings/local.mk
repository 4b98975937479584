# SPDX-License-Identifier: Apache-2.0
# libcontainer is everything inside libshardmgr, for the unit tests of what the export list hides.
noinst_LTLIBRARIES += libcontainer.la
libcontainer_la_SOURCES = bindings/error.c bindings/hash.h bindings/hash.c bindings/options.h bindings/options.c \
	bindings/container_event.h bindings/container_event.c bindings/container_session.h bindings/container_session.c \
	bindings/container_claim.h bindings/container_claim.c bindings/container_held.h bindings/container_held.c \
	bindings/container_mailbox.h bindings/container_mailbox.c bindings/container_shards.h bindings/container_shards.c \
	bindings/container_identity.h bindings/container_identity.c bindings/container_commit.h bindings/container_commit.c \
	bindings/container_work.h bindings/container_work.c bindings/container_register.h bindings/container_register.c \
	bindings/container_renew.h bindings/container_renew.c bindings/container_request.h bindings/container_request.c \
	bindings/container_http.h bindings/container_http.c bindings/container_orders.h bindings/container_orders.c \
	bindings/container_admin.h bindings/container_admin.c bindings/container_presence.h bindings/container_presence.c \
	bindings/container_clients.h bindings/container_clients.c bindings/container_io.h bindings/container_io.c \
	bindings/container_listen.h bindings/container_listen.c bindings/container.c bindings/route.c
libcontainer_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) -pthread
libcontainer_la_LIBADD = libetcd.la libcommon.la libview.la $(LIBEVENT_LIBS) $(JANSSON_LIBS)

lib_LTLIBRARIES += libshardmgr.la
EXTRA_DIST += bindings/shardmgr.sym bindings/README.md
libshardmgr_la_SOURCES =
libshardmgr_la_LIBADD = libcontainer.la
libshardmgr_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined -pthread \
	-export-symbols $(srcdir)/bindings/shardmgr.sym
libshardmgr_la_DEPENDENCIES = libcontainer.la $(srcdir)/bindings/shardmgr.sym

CONTAINER_TEST_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS) -pthread
CONTAINER_TEST_LIBS = libcontainer.la $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_container_session
tests_unit_test_container_session_SOURCES = tests/unit/test_container_session.c
tests_unit_test_container_session_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_session_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_held
tests_unit_test_container_held_SOURCES = tests/unit/test_container_held.c
tests_unit_test_container_held_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_held_LDADD = $(CONTAINER_TEST_LIBS)

noinst_PROGRAMS += bindings/examples/counter
bindings_examples_counter_SOURCES = bindings/examples/counter.c
bindings_examples_counter_LDADD = libshardmgr.la

UNIT_TESTS += tests/unit/test_container_claim
tests_unit_test_container_claim_SOURCES = tests/unit/test_container_claim.c
tests_unit_test_container_claim_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_claim_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_claim_states
tests_unit_test_container_claim_states_SOURCES = tests/unit/test_container_claim_states.c
tests_unit_test_container_claim_states_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_claim_states_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_claim_model
tests_unit_test_container_claim_model_SOURCES = tests/unit/test_container_claim_model.c tests/unit/claim_model.h \
	tests/unit/claim_model.c tests/unit/claim_world.h tests/unit/claim_world.c
tests_unit_test_container_claim_model_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_claim_model_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_request
tests_unit_test_container_request_SOURCES = tests/unit/test_container_request.c
tests_unit_test_container_request_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_request_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_orders
tests_unit_test_container_orders_SOURCES = tests/unit/test_container_orders.c
tests_unit_test_container_orders_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_orders_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_route
tests_unit_test_route_SOURCES = tests/unit/test_route.c tests/unit/view_help.h tests/unit/view_help.c
tests_unit_test_route_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_route_LDADD = $(CONTAINER_TEST_LIBS)

# On a real etcd.
CONTAINER_RIG = tests/unit/container_rig.h tests/unit/container_rig.c tests/unit/container_rig_etcd.c
CONTAINER_RIG_CFLAGS = $(CONTAINER_TEST_CFLAGS) $(LIBCURL_CFLAGS)
CONTAINER_RIG_LIBS = libtests.la libcontainer.la $(CMOCKA_LIBS) $(LIBCURL_LIBS) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/test_container
tests_unit_test_container_SOURCES = tests/unit/test_container.c $(CONTAINER_RIG)
tests_unit_test_container_CFLAGS = $(CONTAINER_RIG_CFLAGS)
tests_unit_test_container_LDADD = $(CONTAINER_RIG_LIBS)

UNIT_TESTS += tests/unit/test_container_faults
tests_unit_test_container_faults_SOURCES = tests/unit/test_container_faults.c $(CONTAINER_RIG)
tests_unit_test_container_faults_CFLAGS = $(CONTAINER_RIG_CFLAGS)
tests_unit_test_container_faults_LDADD = $(CONTAINER_RIG_LIBS)

UNIT_TESTS += tests/unit/test_container_http
tests_unit_test_container_http_SOURCES = tests/unit/test_container_http.c $(CONTAINER_RIG)
tests_unit_test_container_http_CFLAGS = $(CONTAINER_RIG_CFLAGS)
tests_unit_test_container_http_LDADD = $(CONTAINER_RIG_LIBS)
