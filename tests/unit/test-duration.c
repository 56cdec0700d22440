#include "basic/duration.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

TEST(reads_numbers_with_units)
{
	static const struct {
		const char *text;
		uint64_t nanoseconds;
	} rows[] = {
		{"5s", UINT64_C(5000000000)},
		{"500ms", 500000000},
		{"1m30s", UINT64_C(90000000000)},
		{"1.5s", 1500000000},
		{".5s", 500000000},
		{"2h", UINT64_C(7200000000000)},
		{"1us", 1000},
		{"1\xc2\xb5s", 1000},
		{"1ns", 1},
		{"0s1ns", 1},
		{"1.s", 1000000000},
		{"1h0.000000001s", UINT64_C(3600000000001)},
		{"0.1234567891234s", 123456789},
		{"9223372036854775807ns", INT64_MAX},
		{"2562047h", UINT64_C(2562047) * 3600 * 1000000000},
	};
	struct error err = {0};
	uint64_t value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(duration_parse(rows[i].text, &value, &err) == 0, "%s", rows[i].text);
		ck_assert_msg(value == rows[i].nanoseconds, "%s: %lu", rows[i].text, value);
	}
}

TEST(refuses_what_is_no_length_of_time)
{
	static const char *const texts[] = {
		"",   "5",   "s",     "-5s", "+5s", "5 s",  " 5s",  "5s ",
		"5x", "1s5", "1..5s", ".s",  "5S",  "1e3s", "5m s", "ms",
	};
	struct error err = {0};
	char expected[64];
	uint64_t value;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(duration_parse(texts[i], &value, &err) == -EINVAL, "\"%s\"",
			      texts[i]);
		snprintf(expected, sizeof(expected), "\"%s\" is no length of time", texts[i]);
		ck_assert_str_eq(err.text, expected);
		ck_assert_str_eq(err.hint, "it is written as in 5s, 500ms or 1m30s");
	}
}

TEST(refuses_what_is_too_long_or_nothing)
{
	struct error err = {0};
	uint64_t value;

	ck_assert_int_eq(duration_parse("2562048h", &value, &err), -EINVAL);
	ck_assert_int_eq(duration_parse("9223372036854775808ns", &value, &err), -EINVAL);
	ck_assert_int_eq(duration_parse("99999999999999999999999h", &value, &err), -EINVAL);
	ck_assert_int_eq(duration_parse("2562047h2562047h", &value, &err), -EINVAL);
	ck_assert_int_eq(duration_parse("0s", &value, &err), -EINVAL);
	ck_assert_str_eq(err.text, "\"0s\" is not above 0");
	ck_assert_int_eq(duration_parse("0.1ns", &value, &err), -EINVAL);
	ck_assert_str_eq(err.text, "\"0.1ns\" is not above 0");
}

RUN_TESTS("duration", reads_numbers_with_units, refuses_what_is_no_length_of_time,
	  refuses_what_is_too_long_or_nothing)
