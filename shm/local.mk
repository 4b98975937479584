# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libview.la
libview_la_SOURCES = shm/view_reader.h shm/view_writer.h shm/view_reader.c
