# SPDX-License-Identifier: Apache-2.0
# libsupervisortable is the pure kernel alone, for its tests; libsupervisor the rest.
noinst_LTLIBRARIES += libsupervisortable.la libsupervisor.la
libsupervisortable_la_SOURCES = daemon/supervisor/supervisor_table.h daemon/supervisor/supervisor_table.c

libsupervisor_la_SOURCES = daemon/supervisor/supervisor.h daemon/supervisor/supervisor_loop.h \
	daemon/supervisor/supervisor_process.h daemon/supervisor/supervisor_spawn.h daemon/supervisor/supervisor_resources.h \
	daemon/supervisor/supervisor_sockets.h daemon/supervisor/supervisor_notify.h \
	daemon/supervisor/supervisor.c daemon/supervisor/supervisor_loop.c daemon/supervisor/supervisor_process.c \
	daemon/supervisor/supervisor_spawn.c daemon/supervisor/supervisor_resources.c daemon/supervisor/supervisor_sockets.c \
	daemon/supervisor/supervisor_notify.c \
	daemon/supervisor/dev_dir.h daemon/supervisor/dev_etcd.h daemon/supervisor/dev_keeper.h \
	daemon/supervisor/dev_dir.c daemon/supervisor/dev_etcd.c daemon/supervisor/dev_keeper.c
libsupervisor_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
libsupervisor_la_LIBADD = libsupervisortable.la libdaemon.la

UNIT_TESTS += tests/unit/test_supervisor
tests_unit_test_supervisor_SOURCES = tests/unit/test_supervisor.c
tests_unit_test_supervisor_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_supervisor_LDADD = libsupervisortable.la $(CMOCKA_LIBS)

TESTS += tests/integration/test_supervisor.py tests/integration/test_dev.py
EXTRA_DIST += daemon/supervisor/README.md tests/integration/test_supervisor.py tests/integration/test_dev.py
