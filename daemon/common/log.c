/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * One line per event on stderr, each in one write.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_role = "smd";
static enum log_level log_least = LOG_LEVEL_INFO;

static const char *const names[] = { "debug", "info", "warning", "error" };

int log_parse_level(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

/* Texts come from containers and from etcd, too: what a line break would let look like another line is indented, and no control
 * character reaches a terminal. How many bytes of room it took. */
static size_t copy_plain(const char *text, char *ret_text, size_t room)
{
	size_t used = 0;

	for (; *text != '\0' && used + 4 <= room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			used += (size_t)sprintf(ret_text + used, "\n\t");
		else if (c < ' ' || c == 0x7f)
			used += (size_t)sprintf(ret_text + used, "\\x%02x", c);
		else
			ret_text[used++] = *text;
	}
	return used;
}

static void write_line(enum log_level level, const char *format, va_list args)
{
	char line[2048], text[2048] = "";
	struct timespec now;
	struct tm tm;
	size_t used;

	if (level < log_least)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	used += (size_t)snprintf(line + used, sizeof(line) - used, ".%03ldZ %s[%d] %s: ", now.tv_nsec / 1000000,
	        log_role, (int)getpid(), names[level]);
	if (vsnprintf(text, sizeof(text), format, args) > 0)
		used += copy_plain(text, line + used, sizeof(line) - used - 2);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nobody is left to tell */
}

void log_init(const char *role, enum log_level least)
{
	log_role = role;
	log_least = least;
}

#define LOG_AT(level)                                                                                                  \
	do {                                                                                                           \
		va_list args;                                                                                          \
		va_start(args, format);                                                                                \
		write_line(level, format, args);                                                                       \
		va_end(args);                                                                                          \
	} while (0)

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void log_warning(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING);
}

void log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void fatalx(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
	exit(1);
}
