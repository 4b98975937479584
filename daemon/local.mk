# SPDX-License-Identifier: Apache-2.0
# The one binary. It runs itself again with a role, so that every role's library is in it.
sbin_PROGRAMS += smd
smd_SOURCES = daemon/main.c
smd_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
smd_LDADD = libsupervisor.la libsync.la libbalancer.la libhttp.la libdaemon.la
EXTRA_DIST += daemon/README.md
