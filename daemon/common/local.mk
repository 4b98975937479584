# SPDX-License-Identifier: Apache-2.0
# libcommon is for the daemon and for libshardmgr; libdaemon for the daemon alone (it needs libyaml).
noinst_LTLIBRARIES += libcommon.la libdaemon.la
libcommon_la_SOURCES = daemon/common/why.h daemon/common/clocks.h daemon/common/keys.h daemon/common/fields.h \
	daemon/common/host.h daemon/common/records.h daemon/common/link.h daemon/common/command.h daemon/common/orders.h \
	daemon/common/why.c daemon/common/clocks.c daemon/common/keys_check.c daemon/common/keys.c daemon/common/fields.c \
	daemon/common/host.c daemon/common/records.c daemon/common/link.c
libcommon_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
libcommon_la_LIBADD = $(LIBEVENT_LIBS) $(JANSSON_LIBS)

libdaemon_la_SOURCES = daemon/common/log.h daemon/common/config.h daemon/common/config_table.h daemon/common/yaml_flat.h \
	daemon/common/role.h daemon/common/log.c daemon/common/yaml_flat.c daemon/common/config_table.c daemon/common/config.c \
	daemon/common/role.c
libdaemon_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
libdaemon_la_LIBADD = libcommon.la $(YAML_LIBS)

COMMON_TEST_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_TESTS += tests/unit/test_keys tests/unit/test_records tests/unit/test_link
tests_unit_test_keys_SOURCES = tests/unit/test_keys.c
tests_unit_test_keys_CFLAGS = $(COMMON_TEST_CFLAGS)
tests_unit_test_keys_LDADD = libcommon.la $(CMOCKA_LIBS)
tests_unit_test_records_SOURCES = tests/unit/test_records.c
tests_unit_test_records_CFLAGS = $(COMMON_TEST_CFLAGS)
tests_unit_test_records_LDADD = libcommon.la $(CMOCKA_LIBS)
tests_unit_test_link_SOURCES = tests/unit/test_link.c
tests_unit_test_link_CFLAGS = $(COMMON_TEST_CFLAGS)
tests_unit_test_link_LDADD = libcommon.la $(CMOCKA_LIBS)
UNIT_TESTS += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CFLAGS = $(COMMON_TEST_CFLAGS)
tests_unit_test_config_LDADD = libdaemon.la $(CMOCKA_LIBS)
