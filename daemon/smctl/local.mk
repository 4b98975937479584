# SPDX-License-Identifier: Apache-2.0
# The operator's command; talks HTTP only.
bin_PROGRAMS += smctl
smctl_SOURCES = daemon/smctl/smctl.h daemon/smctl/smctl_main.c \
	daemon/smctl/smctl_client.c daemon/smctl/smctl_client.h \
	daemon/smctl/smctl_print.c daemon/smctl/smctl_print.h \
	daemon/smctl/smctl_read.c daemon/smctl/smctl_read.h \
	daemon/smctl/smctl_status.c daemon/smctl/smctl_status.h \
	daemon/smctl/smctl_write.c daemon/smctl/smctl_write.h
smctl_CFLAGS = $(AM_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS)
smctl_LDADD = $(LIBCURL_LIBS) $(JANSSON_LIBS)

TESTS += tests/integration/test_smctl.py
EXTRA_DIST += tests/integration/test_smctl.py
EXTRA_DIST += daemon/smctl/README.md
