#include "basic/gvariant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct arena arena;

static const struct gvariant *parse(const char *text, const char *signature)
{
	struct gvariant *value = NULL;

	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(gvariant_parse(text, &arena, &value, &err) == 0, "%s: %s", text, err.text);
	ck_assert_str_eq(value->signature, signature);
	ck_assert_int_eq(value->type, signature[0]);
	return value;
}

static void refuses(const char *text, const char *expected)
{
	struct gvariant *value = NULL;

	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(gvariant_parse(text, &arena, &value, &err) == -EINVAL, "%s", text);
	ck_assert_str_eq(err.text, expected);
}

TEST(reads_booleans_and_numbers)
{
	ck_assert(parse("true", "b")->boolean);
	ck_assert(!parse(" false ", "b")->boolean);
	ck_assert_int_eq(parse("15", "i")->integer, 15);
	ck_assert_int_eq(parse("-0x80000000", "i")->integer, INT32_MIN);
	ck_assert_int_eq(parse("017", "i")->integer, 15);
	ck_assert_uint_eq(parse("byte 255", "y")->natural, 255);
	ck_assert_int_eq(parse("int16 -32768", "n")->integer, INT16_MIN);
	ck_assert_uint_eq(parse("uint16 0xffff", "q")->natural, 65535);
	ck_assert_uint_eq(parse("uint32 4294967295", "u")->natural, UINT32_MAX);
	ck_assert_int_eq(parse("int32 +7", "i")->integer, 7);
	ck_assert_int_eq(parse("handle 3", "h")->integer, 3);
	ck_assert(parse("int64 -9223372036854775808", "x")->integer == INT64_MIN);
	ck_assert(parse("uint64 18446744073709551615", "t")->natural == UINT64_MAX);
	ck_assert(parse("double 2", "d")->real == 2);
	ck_assert(parse("1.5", "d")->real == 1.5);
	ck_assert(parse("-1e3", "d")->real == -1000);
	ck_assert_uint_eq(parse("@t 5", "t")->natural, 5);
}

TEST(reads_strings_and_escapes)
{
	ck_assert_str_eq(parse("'it\"s'", "s")->string, "it\"s");
	ck_assert_str_eq(parse("\"it's\"", "s")->string, "it's");
	ck_assert_str_eq(parse("''", "s")->string, "");
	ck_assert_str_eq(parse("'\\'\\\\\\n\\t\\a\\q\\\nx'", "s")->string, "'\\\n\t\aqx");
	ck_assert_str_eq(parse("'\\u0041\\u00e4\\u20ac\\U0001f600'", "s")->string,
			 "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	ck_assert_str_eq(parse("string 'a'", "s")->string, "a");
}

TEST(reads_what_holds_others)
{
	const struct gvariant *value = parse("['a', \"b\"]", "as");

	ck_assert_str_eq(value->items->string, "a");
	ck_assert_str_eq(value->items->next->string, "b");
	ck_assert_ptr_null(value->items->next->next);
	ck_assert_ptr_null(parse("@as []", "as")->items);
	ck_assert_ptr_null(parse("@a{sv} {}", "a{sv}")->items);
	ck_assert_uint_eq(parse("[uint32 1, 2]", "au")->items->next->natural, 2);
	ck_assert_uint_eq(parse("@at [1,2]", "at")->items->next->natural, 2);
	parse("(1,)", "(i)");
	parse("[('/dev/null', 'rwm'), ('a', 'r')]", "a(ss)");
	parse("@(sat) ('a', [])", "(sat)");
	ck_assert_int_eq(parse("<true>", "v")->items->type, 'b');
	value = parse("{'a': <1>, 'b': <'x'>}", "a{sv}");
	ck_assert_str_eq(value->items->signature, "{sv}");
	ck_assert_str_eq(value->items->next->items->next->items->string, "x");
	parse("[@as [], ['a']]", "aas");
}

TEST(refuses_numbers_out_of_range)
{
	refuses("byte 256", "at byte 5: expected byte, a number from 0 to 255");
	refuses("uint32 -1", "at byte 7: expected uint32, a number from 0 to 4294967295");
	refuses("2147483648", "at byte 0: expected int32, a number from -2147483648 to 2147483647");
	refuses("08", "at byte 0: expected int32, a number from -2147483648 to 2147483647");
	refuses("--5", "at byte 0: expected int32, a number from -2147483648 to 2147483647");
	refuses("uint64 18446744073709551616",
		"at byte 7: expected uint64, a number from 0 to 18446744073709551615");
	refuses("1e999", "at byte 0: expected double, a finite number");
	refuses("double -inf", "at byte 7: expected double, a finite number");
}

TEST(refuses_what_is_malformed)
{
	refuses("", "at byte 0: expected a value");
	refuses("yes", "at byte 0: expected a value");
	refuses("true x", "at byte 5: expected the end");
	refuses("'a", "at byte 2: expected the closing '");
	refuses("'a\\", "at byte 3: expected what the backslash escapes");
	refuses("'\\u12", "at byte 3: expected 4 hex digits");
	refuses("'\\ud800'", "at byte 3: expected a character of Unicode, and not NUL");
	refuses("'\\u0000'", "at byte 3: expected a character of Unicode, and not NUL");
	refuses("[1, 'a']", "at byte 4: expected a value of type i");
	refuses("[1", "at byte 2: expected \",\" or \"]\"");
	refuses("[1,]", "at byte 3: expected a value");
	refuses("[]", "at byte 0: expected a type before what is empty, as in @as []");
	refuses("(1)", "at byte 2: expected \",\"");
	refuses("()", "at byte 1: expected a value");
	refuses("(1, 2", "at byte 5: expected \",\" or \")\"");
	refuses("@(ss) ('a',)", "at byte 6: expected a value of type (ss)");
	refuses("@(ss) ('a', 'b', 'c')", "at byte 17: expected \")\"");
	refuses("<1", "at byte 2: expected \">\"");
	refuses("{'a' 1}", "at byte 5: expected \":\"");
	refuses("{<1>: 1}", "at byte 1: expected a key: a string, a number or a boolean");
	refuses("@a []", "at byte 1: expected a type");
	refuses("@o '/'", "at byte 1: expected a type");
	refuses("@as 5", "at byte 4: expected a value of type as");
	refuses("uint64 true", "at byte 7: expected a value of type t");
}

TEST(bounds_what_is_in_one_another)
{
	char text[4096] = "", type[600];

	memset(text, '<', 4000);
	refuses(text, "at byte 16: expected at most 16 values in one another");
	memset(text, '(', 4000);
	refuses(text, "at byte 16: expected at most 16 values in one another");
	memset(text, '{', 4000);
	refuses(text, "at byte 16: expected at most 16 values in one another");
	memset(text, 'a', 4000);
	text[0] = '@';
	refuses(text, "at byte 1: expected a type");
	strcpy(text, "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]");
	parse(text, "aaaaaaaaaaaaaaai");
	/* a tuple of more than a signature can hold */
	strcpy(text, "(");
	for (int i = 0; i < 300; i++)
		strcat(text, "1,");
	strcat(text, "1)");
	refuses(text, "at byte 603: expected a type of at most 255 letters");
	memset(type, 's', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	snprintf(text, sizeof(text), "@(%s) 1", type);
	refuses(text, "at byte 1: expected a type");
}

RUN_TESTS("gvariant", reads_booleans_and_numbers, reads_strings_and_escapes,
	  reads_what_holds_others, refuses_numbers_out_of_range, refuses_what_is_malformed,
	  bounds_what_is_in_one_another)
