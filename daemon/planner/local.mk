# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += daemon/planner/README.md
noinst_LTLIBRARIES += libplanner.la
libplanner_la_SOURCES = daemon/planner/planner.h daemon/planner/planner.c \
	daemon/planner/planner_classes.h daemon/planner/planner_classes.c \
	daemon/planner/planner_deal.h daemon/planner/planner_deal.c \
	daemon/planner/planner_digest.h daemon/planner/planner_digest.c \
	daemon/planner/planner_flow.h daemon/planner/planner_flow.c \
	daemon/planner/planner_graph.h daemon/planner/planner_graph.c \
	daemon/planner/planner_layout.h daemon/planner/planner_layout.c \
	daemon/planner/planner_level.h daemon/planner/planner_level.c \
	daemon/planner/planner_network.h daemon/planner/planner_network.c \
	daemon/planner/planner_prices.h daemon/planner/planner_prices.c \
	daemon/planner/planner_rank.h daemon/planner/planner_rank.c \
	daemon/planner/planner_reach.h daemon/planner/planner_reach.c \
	daemon/planner/planner_rules.h daemon/planner/planner_rules.c \
	daemon/planner/planner_search.h daemon/planner/planner_search.c \
	daemon/planner/planner_survey.h daemon/planner/planner_survey.c

check_LTLIBRARIES += libplannertest.la
libplannertest_la_SOURCES = tests/unit/planner_cases.h tests/unit/planner_cases.c \
	tests/unit/planner_certificate.h tests/unit/planner_certificate.c \
	tests/unit/planner_oracle.h tests/unit/planner_oracle.c

UNIT_TESTS += tests/unit/test_planner tests/unit/test_planner_events tests/unit/test_planner_rules \
	tests/unit/test_planner_search tests/unit/test_planner_memory
tests_unit_test_planner_SOURCES = tests/unit/test_planner.c
tests_unit_test_planner_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_planner_LDADD = libplannertest.la libplanner.la $(CMOCKA_LIBS)
tests_unit_test_planner_events_SOURCES = tests/unit/test_planner_events.c
tests_unit_test_planner_events_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_planner_events_LDADD = libplannertest.la libplanner.la $(CMOCKA_LIBS)
tests_unit_test_planner_rules_SOURCES = tests/unit/test_planner_rules.c
tests_unit_test_planner_rules_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_planner_rules_LDADD = libplannertest.la libplanner.la $(CMOCKA_LIBS)
tests_unit_test_planner_search_SOURCES = tests/unit/test_planner_search.c
tests_unit_test_planner_search_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_planner_search_LDADD = libplannertest.la libplanner.la $(CMOCKA_LIBS)
tests_unit_test_planner_memory_SOURCES = tests/unit/test_planner_memory.c
tests_unit_test_planner_memory_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_planner_memory_LDADD = libplannertest.la libplanner.la $(CMOCKA_LIBS)
tests_unit_test_planner_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc

BENCHES += tests/bench/planner
tests_bench_planner_SOURCES = tests/bench/planner.c
tests_bench_planner_LDADD = libplanner.la
