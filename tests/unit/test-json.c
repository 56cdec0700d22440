#include <string.h>

#include "basic/json.h"
#include "unit.h"

static void expect(const char *text, size_t size, const char *expected)
{
	char buffer[256];

	ck_assert_uint_eq(json_string(buffer, size, text), strlen(expected));
	ck_assert_str_eq(buffer, expected);
}

TEST(quotes_plain_text)
{
	expect("", 256, "\"\"");
	expect("a/b \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", 256,
	       "\"a/b \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\"");
}

TEST(escapes_what_json_asks_for)
{
	expect("\"a\\b\"\n\x01\x7f", 256, "\"\\\"a\\\\b\\\"\\u000a\\u0001\\u007f\"");
}

TEST(replaces_bytes_that_are_no_utf8)
{
	expect("\xff", 256, "\"\\ufffd\"");
	expect("\xed\xa0\x80", 256, "\"\\ufffd\\ufffd\\ufffd\"");
	expect("\xc0\xaf", 256, "\"\\ufffd\\ufffd\"");
	expect("a\xe2\x82", 256, "\"a\\ufffd\\ufffd\"");
	expect("\xf4\x90\x80\x80", 256, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

TEST(leaves_out_what_does_not_fit_and_stays_whole)
{
	expect("abc", 3, "\"\"");
	expect("abc", 5, "\"ab\"");
	expect("abc", 6, "\"abc\"");
	expect("a\n", 9, "\"a\"");
	expect("a\n", 10, "\"a\\u000a\"");
	expect("\xc3\xa9", 4, "\"\"");
	expect("\xc3\xa9", 5, "\"\xc3\xa9\"");
}

TEST(knows_a_size_that_is_always_enough)
{
	const char *text = "\x01\x02\xff";
	char buffer[32];

	ck_assert_uint_le(json_string_size(text), sizeof(buffer));
	json_string(buffer, json_string_size(text), text);
	ck_assert_str_eq(buffer, "\"\\u0001\\u0002\\ufffd\"");
}

RUN_TESTS("json", quotes_plain_text, escapes_what_json_asks_for, replaces_bytes_that_are_no_utf8,
	  leaves_out_what_does_not_fit_and_stays_whole, knows_a_size_that_is_always_enough)
