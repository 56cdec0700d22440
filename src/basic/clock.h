/*
 * The time of day as text, RFC 3339 in UTC: "2026-01-31T10:20:30.123456Z".
 *
 * The C library's own conversions first read the machine's time zone, which a line of a log and a
 * container's record have no use for.
 */
#pragma once

#include <stdint.h>
#include <time.h>

enum { CLOCK_TEXT_SIZE = sizeof("2026-01-31T10:20:30.123456Z") };

/* now */
void clock_text(char text[CLOCK_TEXT_SIZE]);

/* any time of the years 1970 to 9999 */
void clock_format(const struct timespec *time, char text[CLOCK_TEXT_SIZE]);

/* Milliseconds of a clock that is never set, for deadlines. */
uint64_t clock_milliseconds(void);
