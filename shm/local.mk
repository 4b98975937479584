# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libview.la
view_sources = shm/view_layout.h shm/view_hash.h \
	shm/view_reader.h shm/view_reader.c shm/view_service.c shm/view_shard.c shm/view_container.c shm/view_worker.c shm/view_change.c \
	shm/view_map.h shm/view_map.c shm/view_index.h shm/view_index.c \
	shm/view_store.h shm/view_store.c shm/view_make.h shm/view_make.c shm/view_note.h shm/view_note.c \
	shm/view_sighting.h shm/view_sighting.c shm/view_move.h shm/view_move.c shm/view_head.h shm/view_head.c \
	shm/view_grow.h shm/view_grow.c shm/view_writer.h shm/view_writer_private.h shm/view_writer.c \
	shm/view_writer_service.c shm/view_writer_shard.c shm/view_writer_claim.c shm/view_writer_container.c \
	shm/view_writer_worker.c shm/view_writer_sighting.c
libview_la_SOURCES = $(view_sources)

view_help = tests/unit/view_help.h tests/unit/view_help.c
UNIT_TESTS += tests/unit/test_view tests/unit/test_view_grow tests/unit/test_view_change tests/unit/test_view_damage \
	tests/unit/test_view_collision tests/unit/test_view_kill tests/unit/test_view_threads \
	tests/unit/test_view_hash tests/unit/test_view_stop tests/unit/test_view_short \
	tests/unit/test_view_model
tests_unit_test_view_SOURCES = tests/unit/test_view.c $(view_help)
tests_unit_test_view_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_grow_SOURCES = tests/unit/test_view_grow.c $(view_help)
tests_unit_test_view_grow_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_grow_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_change_SOURCES = tests/unit/test_view_change.c $(view_help)
tests_unit_test_view_change_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_change_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_damage_SOURCES = tests/unit/test_view_damage.c $(view_help)
tests_unit_test_view_damage_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_damage_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_collision_SOURCES = tests/unit/test_view_collision.c $(view_help) $(view_sources)
tests_unit_test_view_collision_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -DVIEW_FINGERPRINT_MASK='UINT64_C(0xfffff00000000000)'
tests_unit_test_view_collision_LDADD = $(CMOCKA_LIBS)
tests_unit_test_view_kill_SOURCES = tests/unit/test_view_kill.c $(view_help)
tests_unit_test_view_kill_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_kill_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_threads_SOURCES = tests/unit/test_view_threads.c $(view_help)
tests_unit_test_view_threads_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
tests_unit_test_view_threads_LDADD = libview.la $(CMOCKA_LIBS) -lpthread
tests_unit_test_view_hash_SOURCES = tests/unit/test_view_hash.c
tests_unit_test_view_hash_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_hash_LDADD = $(CMOCKA_LIBS)
tests_unit_test_view_stop_SOURCES = tests/unit/test_view_stop.c $(view_help)
tests_unit_test_view_stop_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_stop_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_model_SOURCES = tests/unit/test_view_model.c $(view_help)
tests_unit_test_view_model_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_model_LDADD = libview.la $(CMOCKA_LIBS)
tests_unit_test_view_short_SOURCES = tests/unit/test_view_short.c $(view_help)
tests_unit_test_view_short_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_short_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=realpath \
	-Wl,--wrap=mmap,--wrap=posix_fallocate,--wrap=ftruncate
tests_unit_test_view_short_LDADD = libview.la $(CMOCKA_LIBS)

BENCHES += tests/bench/lookup
tests_bench_lookup_SOURCES = tests/bench/lookup.c
tests_bench_lookup_LDADD = libview.la

EXTRA_DIST += shm/README.md
