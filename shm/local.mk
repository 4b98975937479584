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
UNIT_TESTS += tests/unit/test_view
tests_unit_test_view_SOURCES = tests/unit/test_view.c $(view_help)
tests_unit_test_view_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_LDADD = libview.la $(CMOCKA_LIBS)
