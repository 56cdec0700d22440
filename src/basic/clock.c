#include "basic/clock.h"

#include <stdbool.h>
#include <stdio.h>

#include "basic/syscalls.h"

enum { SECONDS_PER_DAY = 24 * 60 * 60 };

static bool is_leap(unsigned int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned int days_in(unsigned int month, unsigned int year)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

void clock_format(const struct timespec *time, char text[CLOCK_TEXT_SIZE])
{
	unsigned long long seconds = time->tv_sec > 0 ? (unsigned long long)time->tv_sec : 0;
	unsigned long long day = seconds / SECONDS_PER_DAY;
	unsigned int second = (unsigned int)(seconds % SECONDS_PER_DAY);
	unsigned int year = 1970, month = 0;

	for (; year < 9999 && day >= 365u + is_leap(year); year++)
		day -= 365u + is_leap(year);
	for (; month < 11 && day >= days_in(month, year); month++)
		day -= days_in(month, year);
	snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year % 10000,
		 (month + 1) % 100, (unsigned int)(day + 1) % 100, second / 3600 % 100,
		 second / 60 % 60, second % 60, (unsigned int)(time->tv_nsec / 1000) % 1000000);
}

void clock_text(char text[CLOCK_TEXT_SIZE])
{
	struct timespec now;

	sys_clock_gettime(CLOCK_REALTIME, &now);
	clock_format(&now, text);
}

uint64_t clock_milliseconds(void)
{
	struct timespec now;

	sys_clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
