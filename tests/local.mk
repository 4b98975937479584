# SPDX-License-Identifier: Apache-2.0
# What the C tests share, and the targets that build tests and benches without running them.
TESTS += tests/integration/test_bad_input.py
EXTRA_DIST += tests/integration/containers.py tests/integration/smd.py tests/integration/test_bad_input.py
EXTRA_DIST += tests/summary.py tests/lint/run tests/lint/cycles.py tests/lint/sizes.py tests/bench/run tests/bench/handover.py tests/bench/scale.py tests/bench/README.md

# One after the other: "all" runs a make of its own, and two of them would build the same objects at the same time.
.PHONY: check-programs bench-programs
check-programs:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(check_LTLIBRARIES) $(check_SCRIPTS)
bench-programs:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) $(BENCHES) $(check_PROGRAMS)

check_LTLIBRARIES += libtests.la
libtests_la_SOURCES = tests/etcd_server.h tests/etcd_server.c
libtests_la_CFLAGS = $(AM_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS)
libtests_la_LIBADD = $(LIBCURL_LIBS) $(JANSSON_LIBS)

# Parsers of several folders under one seeded storm.
UNIT_TESTS += tests/unit/test_parsers
tests_unit_test_parsers_SOURCES = tests/unit/test_parsers.c daemon/http/http_query.c
tests_unit_test_parsers_CFLAGS = $(CONTAINER_TEST_CFLAGS)
tests_unit_test_parsers_LDADD = libbalancer.la libcontainer.la $(JANSSON_LIBS) $(CMOCKA_LIBS)

# Tests in Python: make check runs each file by pytest.
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = env SM_BUILD_DIR=$(abs_top_builddir) SM_SANITIZERS=$(SANITIZERS) SM_PYTHON=$(PYTHON) PYTHONDONTWRITEBYTECODE=1 \
	PYTHONPATH=$(abs_top_builddir)/python:$(abs_top_srcdir)/python:$(abs_top_srcdir)/tests/integration $(PYTHON) -m pytest
AM_PY_LOG_FLAGS = -q -p no:cacheprovider

# smd with roles that only behave: for the supervisor's integration tests.
check_PROGRAMS += tests/fake_smd
tests_fake_smd_SOURCES = tests/fake_smd.c daemon/main.c
tests_fake_smd_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_fake_smd_LDADD = libsupervisor.la libdaemon.la

EXTRA_DIST += tests/integration/conftest.py
EXTRA_DIST += tests/tls/README.md tests/tls/ca.pem tests/tls/other-ca.pem tests/tls/server.pem tests/tls/server-key.pem \
	tests/tls/client.pem tests/tls/client-key.pem
