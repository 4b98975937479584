# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libetcd.la
libetcd_la_SOURCES = daemon/etcd/etcd.h \
	daemon/etcd/etcd_arena.h daemon/etcd/etcd_arena.c \
	daemon/etcd/etcd_base64.h daemon/etcd/etcd_base64.c \
	daemon/etcd/etcd_text.h daemon/etcd/etcd_text.c \
	daemon/etcd/etcd_json.h daemon/etcd/etcd_json.c \
	daemon/etcd/etcd_error.h daemon/etcd/etcd_error.c \
	daemon/etcd/etcd_endpoints.h daemon/etcd/etcd_endpoints.c \
	daemon/etcd/etcd_transfer.h daemon/etcd/etcd_transfer.c \
	daemon/etcd/etcd_http.h daemon/etcd/etcd_http.c \
	daemon/etcd/etcd_auth.h daemon/etcd/etcd_auth.c \
	daemon/etcd/etcd_call.h daemon/etcd/etcd_call.c \
	daemon/etcd/etcd_client.h daemon/etcd/etcd_client.c \
	daemon/etcd/etcd_range.h daemon/etcd/etcd_range.c daemon/etcd/etcd_list.c \
	daemon/etcd/etcd_txn.h daemon/etcd/etcd_txn.c daemon/etcd/etcd_txn_send.c \
	daemon/etcd/etcd_lease.c \
	daemon/etcd/etcd_scan.h daemon/etcd/etcd_scan.c \
	daemon/etcd/etcd_watch_message.h daemon/etcd/etcd_watch_message.c daemon/etcd/etcd_watch.c
libetcd_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS)
libetcd_la_LIBADD = $(LIBEVENT_LIBS) $(LIBCURL_LIBS) $(JANSSON_LIBS)

EXTRA_DIST += daemon/etcd/README.md

ETCD_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
ETCD_TEST_LIBS = libetcdtests.la libtests.la libetcd.la libcommon.la $(CMOCKA_LIBS)

check_LTLIBRARIES += libetcdtests.la
libetcdtests_la_SOURCES = tests/unit/etcd_ask.h tests/unit/etcd_ask.c tests/unit/etcd_liar.h tests/unit/etcd_liar.c \
	tests/unit/etcd_script.h tests/unit/etcd_script.c tests/unit/etcd_stream.h tests/unit/etcd_stream.c
libetcdtests_la_CFLAGS = $(ETCD_TEST_CFLAGS)
libetcdtests_la_LIBADD = $(LIBEVENT_LIBS)

UNIT_TESTS += tests/unit/test_etcd
tests_unit_test_etcd_SOURCES = tests/unit/test_etcd.c
tests_unit_test_etcd_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_codec
tests_unit_test_etcd_codec_SOURCES = tests/unit/test_etcd_codec.c
tests_unit_test_etcd_codec_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_codec_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_txn
tests_unit_test_etcd_txn_SOURCES = tests/unit/test_etcd_txn.c
tests_unit_test_etcd_txn_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_txn_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_list
tests_unit_test_etcd_list_SOURCES = tests/unit/test_etcd_list.c
tests_unit_test_etcd_list_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_list_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_watch
tests_unit_test_etcd_watch_SOURCES = tests/unit/test_etcd_watch.c
tests_unit_test_etcd_watch_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_watch_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_answers
tests_unit_test_etcd_answers_SOURCES = tests/unit/test_etcd_answers.c
tests_unit_test_etcd_answers_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_answers_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_liar
tests_unit_test_etcd_liar_SOURCES = tests/unit/test_etcd_liar.c
tests_unit_test_etcd_liar_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_liar_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_watch_liar
tests_unit_test_etcd_watch_liar_SOURCES = tests/unit/test_etcd_watch_liar.c
tests_unit_test_etcd_watch_liar_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_watch_liar_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_auth
tests_unit_test_etcd_auth_SOURCES = tests/unit/test_etcd_auth.c
tests_unit_test_etcd_auth_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_auth_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_cluster
tests_unit_test_etcd_cluster_SOURCES = tests/unit/test_etcd_cluster.c
tests_unit_test_etcd_cluster_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_cluster_LDADD = $(ETCD_TEST_LIBS)

UNIT_TESTS += tests/unit/test_etcd_tls
tests_unit_test_etcd_tls_SOURCES = tests/unit/test_etcd_tls.c
tests_unit_test_etcd_tls_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_tls_LDADD = $(ETCD_TEST_LIBS)
