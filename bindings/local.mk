# SPDX-License-Identifier: Apache-2.0
# libcontainer is everything inside libshardmgr, for the unit tests of what the export list hides.
noinst_LTLIBRARIES += libcontainer.la
libcontainer_la_SOURCES = bindings/hash.h bindings/hash.c bindings/container_session.h bindings/container_session.c \
	bindings/container_claim.h bindings/container_claim.c bindings/container_held.h bindings/container_held.c

CONTAINER_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
CONTAINER_TEST_LIBS = libcontainer.la libcommon.la $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_container_session
tests_unit_test_container_session_SOURCES = tests/unit/test_container_session.c
tests_unit_test_container_session_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_session_LDADD = $(CONTAINER_TEST_LIBS)

UNIT_TESTS += tests/unit/test_container_held
tests_unit_test_container_held_SOURCES = tests/unit/test_container_held.c
tests_unit_test_container_held_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_container_held_LDADD = $(CONTAINER_TEST_LIBS)
