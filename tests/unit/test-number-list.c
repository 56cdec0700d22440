#include "basic/number-list.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

static struct error err;

/* The numbers below 64 of the list, as bits. */
static unsigned long bits_of(const char *list, int count)
{
	unsigned long bits = 0;

	ck_assert_msg(number_list_parse(list, 64, &bits, &err) == count, "%s", list);
	return bits;
}

static void expect_rejected(const char *list, const char *why)
{
	ck_assert_int_eq(number_list_parse(list, 64, NULL, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

TEST(reads_numbers_and_ranges)
{
	ck_assert_uint_eq(bits_of("0", 1), 0x1);
	ck_assert_uint_eq(bits_of("0-3,7", 2), 0x8f);
	ck_assert_uint_eq(bits_of("5-5,1,1", 3), 0x22);
	ck_assert_uint_eq(bits_of("63", 1), 1UL << 63);
}

TEST(passes_over_blanks_and_empty_elements)
{
	ck_assert_uint_eq(bits_of(" 0 - 1 , 3 ,, 5 ,", 3), 0x2b);
	ck_assert_uint_eq(bits_of("", 0), 0);
	ck_assert_uint_eq(bits_of(" , ", 0), 0);
}

TEST(reaches_into_every_word)
{
	unsigned long bits[3] = {0};

	ck_assert_int_eq(number_list_parse("0-1,127-128", 192, bits, &err), 2);
	ck_assert_uint_eq(bits[0], 3);
	ck_assert_uint_eq(bits[1], 1UL << 63);
	ck_assert_uint_eq(bits[2], 1);
}

TEST(rejects_what_is_no_list)
{
	static const char *const lists[] = {"x", "-1", "1-", "1-2-3", "1 2", "0x1", "1;2", "+1"};
	char why[64];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(why, sizeof(why), "\"%s\" is not a list of numbers", lists[i]);
		expect_rejected(lists[i], why);
		ck_assert_str_eq(err.hint, "write one like \"0-3,7\"");
	}
}

TEST(rejects_numbers_that_are_too_large)
{
	expect_rejected("0,64", "\"0,64\": the largest number is 63");
	expect_rejected("0-64", "\"0-64\": the largest number is 63");
	expect_rejected("99999999999999999999999",
			"\"99999999999999999999999\": the largest number is 63");
}

TEST(rejects_a_range_that_runs_backwards)
{
	expect_rejected("7-3", "\"7-3\": 7-3 ends before it begins");
}

RUN_TESTS("number-list", reads_numbers_and_ranges, passes_over_blanks_and_empty_elements,
	  reaches_into_every_word, rejects_what_is_no_list, rejects_numbers_that_are_too_large,
	  rejects_a_range_that_runs_backwards)
