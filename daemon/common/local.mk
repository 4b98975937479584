# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libcommon.la
libcommon_la_SOURCES = daemon/common/why.h daemon/common/log.h daemon/common/clocks.h daemon/common/keys.h \
	daemon/common/records.h daemon/common/link.h daemon/common/command.h daemon/common/orders.h \
	daemon/common/config.h daemon/common/role.h daemon/common/log.c daemon/common/clocks.c
libcommon_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
libcommon_la_LIBADD = $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)
