# SPDX-License-Identifier: Apache-2.0
# The conformance containers; the Python one needs no building. And the tests of the language packages.
TESTS += tests/integration/test_conformance.py tests/integration/test_readme.py tests/integration/test_python_package.py \
	tests/integration/test_go_package.py
EXTRA_DIST += tests/integration/test_conformance.py tests/integration/test_readme.py tests/integration/test_python_package.py \
	tests/integration/test_go_package.py bindings/go/shardmgr_test.go tests/conformance/README.md tests/conformance/container.py \
	bindings/go/internal/conformance/main.go

check_PROGRAMS += tests/conformance/container
tests_conformance_container_SOURCES = tests/conformance/container.c
tests_conformance_container_LDADD = libshardmgr.la

# Random faults, and what containers that write down what they may do say about them.
TESTS += tests/integration/test_ownership.py
EXTRA_DIST += tests/integration/test_ownership.py
check_PROGRAMS += tests/integration/owner
tests_integration_owner_SOURCES = tests/integration/owner.c
tests_integration_owner_LDADD = libshardmgr.la

if WITH_GO
check_SCRIPTS += tests/conformance/container-go
tests/conformance/container-go: libshardmgr.la bindings/shardmgr.h $(GO_FILES)
	$(AM_V_GEN)$(MKDIR_P) tests/conformance && cd $(srcdir)/bindings/go && $(GO_ENV) $(GO) build -o $(abs_top_builddir)/$@ ./internal/conformance
CLEANFILES += tests/conformance/container-go
endif
