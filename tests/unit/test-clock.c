#include "basic/clock.h"
#include "unit.h"

static void expect(time_t seconds, long nanoseconds, const char *expected)
{
	const struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
	char text[CLOCK_TEXT_SIZE];

	clock_format(&time, text);
	ck_assert_str_eq(text, expected);
}

TEST(begins_in_1970)
{
	expect(0, 0, "1970-01-01T00:00:00.000000Z");
	expect(-1, 0, "1970-01-01T00:00:00.000000Z");
}

TEST(tells_microseconds)
{
	expect(1, 1999, "1970-01-01T00:00:01.000001Z");
	expect(1, 999999999, "1970-01-01T00:00:01.999999Z");
}

TEST(knows_leap_years)
{
	expect(951782399, 0, "2000-02-28T23:59:59.000000Z");
	expect(951782400, 0, "2000-02-29T00:00:00.000000Z");
	expect(951868800, 0, "2000-03-01T00:00:00.000000Z");
	expect(1798761599, 0, "2026-12-31T23:59:59.000000Z");
	expect(4107542400, 0, "2100-03-01T00:00:00.000000Z");
}

/* The C library knows, too. */
TEST(agrees_with_the_c_library)
{
	char expected[64];
	struct tm utc;

	for (time_t seconds = 0; seconds < 253402300800; seconds += 86399 * 37) {
		gmtime_r(&seconds, &utc);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000Z", &utc);
		expect(seconds, 0, expected);
	}
}

RUN_TESTS("clock", begins_in_1970, tells_microseconds, knows_leap_years, agrees_with_the_c_library)
