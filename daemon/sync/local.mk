# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libsync.la
libsync_la_SOURCES = daemon/sync/sync_hash.h daemon/sync/sync_hash.c daemon/sync/sync_sessions.h daemon/sync/sync_sessions.c \
	daemon/sync/sync_apply.h daemon/sync/sync_apply.c daemon/sync/sync_store.h daemon/sync/sync_store.c \
	daemon/sync/sync_resume.h daemon/sync/sync_resume.c daemon/sync/sync_load.h daemon/sync/sync_load.c \
	daemon/sync/sync_free.h daemon/sync/sync_free.c daemon/sync/sync_gone.h daemon/sync/sync_gone.c \
	daemon/sync/sync_ended.h daemon/sync/sync_ended.c \
	daemon/sync/sync_free_send.h daemon/sync/sync_free_send.c daemon/sync/sync_free_run.h daemon/sync/sync_free_run.c \
	daemon/sync/sync_context.h daemon/sync/sync_context.c daemon/sync/sync_governed.h daemon/sync/sync_governed.c \
	daemon/sync/sync_ensure.h daemon/sync/sync_ensure.c daemon/sync/sync_sweep.h daemon/sync/sync_sweep.c \
	daemon/sync/sync_fenced.h daemon/sync/sync_fenced.c daemon/sync/sync_batch.h daemon/sync/sync_batch.c \
	daemon/sync/sync_args.h daemon/sync/sync_args.c daemon/sync/sync_ops.h daemon/sync/sync_ops_spec.c \
	daemon/sync/sync_ops_shards.c daemon/sync/sync_ops_update.c daemon/sync/sync_ops_workers.c \
	daemon/sync/sync_command.h daemon/sync/sync_command.c daemon/sync/sync_main.c
libsync_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
libsync_la_LIBADD = libview.la libetcd.la libdaemon.la libcommon.la $(LIBEVENT_LIBS) $(JANSSON_LIBS)

SYNC_TEST_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_TESTS += tests/unit/test_sync_free tests/unit/test_sync_apply tests/unit/test_sync_send
tests_unit_test_sync_free_SOURCES = tests/unit/test_sync_free.c
tests_unit_test_sync_free_CFLAGS = $(SYNC_TEST_CFLAGS)
tests_unit_test_sync_free_LDADD = libsync.la $(CMOCKA_LIBS)
tests_unit_test_sync_apply_SOURCES = tests/unit/test_sync_apply.c
tests_unit_test_sync_apply_CFLAGS = $(SYNC_TEST_CFLAGS)
tests_unit_test_sync_apply_LDADD = libsync.la $(CMOCKA_LIBS)
tests_unit_test_sync_send_SOURCES = tests/unit/test_sync_send.c
tests_unit_test_sync_send_CFLAGS = $(SYNC_TEST_CFLAGS)
tests_unit_test_sync_send_LDADD = libtests.la libsync.la $(CMOCKA_LIBS)

# For the integration tests: the role alone, and the view as JSON.
check_PROGRAMS += tests/integration/sync_role tests/integration/view_dump
tests_integration_sync_role_SOURCES = tests/integration/sync_role.c
tests_integration_sync_role_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
tests_integration_sync_role_LDADD = libsync.la
tests_integration_view_dump_SOURCES = tests/integration/view_dump.c
tests_integration_view_dump_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_integration_view_dump_LDADD = libview.la $(JANSSON_LIBS)
TESTS += tests/integration/test_sync_load.py tests/integration/test_sync_commands.py tests/integration/test_sync_free.py
EXTRA_DIST += daemon/sync/README.md tests/integration/sync_alone.py tests/integration/test_sync_load.py \
	tests/integration/test_sync_commands.py tests/integration/test_sync_free.py
