/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The daemon's log: one line per event on stderr, "2026-11-22T18:25:50.123Z sync[123] info: text". Used by role mains only;
 * libraries and kernels return errors instead.
 */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* "debug", "info", "warning", "error". 0, or -1: none of them. */
int log_parse_level(const char *text, enum log_level *ret_level);

void log_init(const char *role, enum log_level least); /* role: static storage */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An invariant is lost: says so and ends the process; the supervisor starts it again. */
_Noreturn void fatalx(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
