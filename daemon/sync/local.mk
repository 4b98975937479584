# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libsync.la
libsync_la_SOURCES = daemon/sync/sync_main.c
libsync_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libsync_la_LIBADD = libdaemon.la
