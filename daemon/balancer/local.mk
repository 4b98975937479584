# SPDX-License-Identifier: Apache-2.0
# libexecutor is the pure kernel alone, for its tests; libbalancer the role.
noinst_LTLIBRARIES += libexecutor.la libbalancer.la
libexecutor_la_SOURCES = daemon/balancer/executor.h daemon/balancer/executor_shard.h daemon/balancer/executor_queue.h \
	daemon/balancer/executor_alarms.h daemon/balancer/executor_private.h daemon/balancer/executor.c \
	daemon/balancer/executor_renumber.c daemon/balancer/executor_shard.c \
	daemon/balancer/executor_queue.c daemon/balancer/executor_alarms.c

libbalancer_la_SOURCES = daemon/balancer/balancer_memory.h daemon/balancer/balancer_names.h \
	daemon/balancer/balancer_containers.h daemon/balancer/balancer_shards.h daemon/balancer/balancer_moves.h \
	daemon/balancer/balancer_service.h daemon/balancer/balancer_plan.h daemon/balancer/balancer_state.h \
	daemon/balancer/balancer_lines.h daemon/balancer/balancer_batch.h daemon/balancer/balancer_orders.h \
	daemon/balancer/balancer_dispatch.h daemon/balancer/balancer_turn.h daemon/balancer/curl_loop.h \
	daemon/balancer/balancer_memory.c daemon/balancer/balancer_names.c daemon/balancer/balancer_containers.c \
	daemon/balancer/balancer_shards.c daemon/balancer/balancer_moves.c daemon/balancer/balancer_service.c \
	daemon/balancer/balancer_plan.c daemon/balancer/balancer_state.c daemon/balancer/balancer_lines.c \
	daemon/balancer/balancer_batch.c daemon/balancer/balancer_orders.c daemon/balancer/balancer_dispatch.c \
	daemon/balancer/balancer_turn.c daemon/balancer/curl_loop.c daemon/balancer/balancer_main.c
libbalancer_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS)
libbalancer_la_LIBADD = libexecutor.la libplanner.la libview.la libdaemon.la libcommon.la $(LIBCURL_LIBS)
EXTRA_DIST += daemon/balancer/README.md

BALANCER_TEST_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_TESTS += tests/unit/test_executor tests/unit/test_executor_containers tests/unit/test_executor_limits tests/unit/test_executor_world
executor_help = tests/unit/executor_help.h tests/unit/executor_help.c
tests_unit_test_executor_containers_SOURCES = tests/unit/test_executor_containers.c $(executor_help)
tests_unit_test_executor_containers_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_executor_containers_LDADD = libexecutor.la $(CMOCKA_LIBS)
tests_unit_test_executor_limits_SOURCES = tests/unit/test_executor_limits.c
tests_unit_test_executor_limits_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_executor_limits_LDADD = libexecutor.la $(CMOCKA_LIBS)
tests_unit_test_executor_SOURCES = tests/unit/test_executor.c $(executor_help)
tests_unit_test_executor_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_executor_LDADD = libexecutor.la $(CMOCKA_LIBS)
tests_unit_test_executor_world_SOURCES = tests/unit/test_executor_world.c
tests_unit_test_executor_world_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_executor_world_LDADD = libexecutor.la libplanner.la $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_balancer_turn
tests_unit_test_balancer_turn_SOURCES = tests/unit/test_balancer_turn.c tests/unit/balancer_world.h tests/unit/balancer_world.c \
	$(view_help)
tests_unit_test_balancer_turn_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_balancer_turn_LDADD = libbalancer.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)

# Many containers in one process: tests and benches.
check_PROGRAMS += tests/sim_containers
tests_sim_containers_SOURCES = tests/sim_containers.c
tests_sim_containers_LDADD = libshardmgr.la
TESTS += tests/integration/test_balancer.py
EXTRA_DIST += tests/integration/test_balancer.py tests/integration/sim.py
UNIT_TESTS += tests/unit/test_balancer_lines
tests_unit_test_balancer_lines_SOURCES = tests/unit/test_balancer_lines.c
tests_unit_test_balancer_lines_CFLAGS = $(BALANCER_TEST_CFLAGS)
tests_unit_test_balancer_lines_LDADD = libbalancer.la $(JANSSON_LIBS) $(CMOCKA_LIBS)
