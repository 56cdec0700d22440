#include "systemd/request.h"

#include <errno.h>

#include "unit.h"
#include "words.h"

static struct request request;

static struct request_reader reader(void)
{
	return (struct request_reader){request.bytes, request.bytes + request.length};
}

TEST(writes_words_and_properties)
{
	request_word(&request, REQUEST_SET);
	request_word(&request, "");
	request_text(&request, NEED_MUST, "A", "b c");
	request_flag(&request, NEED_MAY, "B", true);
	request_natural(&request, NEED_MAY, "C", UINT64_MAX);
	request_property(&request, NEED_MUST, "D", "as", 0);
	ck_assert_str_eq(take_words(&request),
			 "set  must A s 1 b c may B b 1 1 may C t 1 18446744073709551615 "
			 "must D as 0");
}

TEST(reads_what_was_written)
{
	struct request_reader rest;
	struct request_head head;

	request_word(&request, "unit");
	request_property(&request, NEED_MUST, "A", "a(ss)", 2);
	request_word(&request, "x");
	request_word(&request, "y");
	request_text(&request, NEED_MAY, "B", "");
	rest = reader();
	ck_assert_str_eq(request_next(&rest), "unit");
	ck_assert_int_eq(request_next_property(&rest, &head), 1);
	ck_assert_str_eq(head.need, NEED_MUST);
	ck_assert_str_eq(head.name, "A");
	ck_assert_str_eq(head.type, "a(ss)");
	ck_assert_uint_eq(head.count, 2);
	ck_assert_str_eq(request_next(&rest), "x");
	ck_assert_str_eq(request_next(&rest), "y");
	ck_assert_int_eq(request_next_property(&rest, &head), 1);
	ck_assert_str_eq(request_next(&rest), "");
	ck_assert_int_eq(request_next_property(&rest, &head), 0);
	ck_assert_ptr_null(request_next(&rest));
	take_words(&request);
}

TEST(grows_as_far_as_it_has_to)
{
	for (int i = 0; i < 10000; i++)
		request_word(&request, "twelve bytes");
	ck_assert_uint_eq(request.length, 130000);
	ck_assert(!request.failed);
	take_words(&request);
}

static int read_property(const char *bytes, size_t length)
{
	struct request_reader rest = {bytes, bytes + length};
	struct request_head head;

	return request_next_property(&rest, &head);
}

TEST(refuses_what_is_malformed)
{
	ck_assert_int_eq(read_property("must", 4), -EPROTO);
	ck_assert_int_eq(read_property("must\0A\0s\0", 9), -EPROTO);
	ck_assert_int_eq(read_property("must\0A\0s\0001", 10), -EPROTO);
	ck_assert_int_eq(read_property("must\0A\0s\000-1\0", 12), -EPROTO);
	/* more values than there can be */
	ck_assert_int_eq(read_property("must\0A\0as\00099\0a\0b\0", 17), -EPROTO);
	ck_assert_int_eq(read_property("must\0A\0as\0002\0a\0b\0", 16), 1);
}

TEST(takes_numbers_of_nothing_but_digits)
{
	uint64_t number;

	ck_assert(request_parse_number("18446744073709551615", UINT64_MAX, &number));
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert(!request_parse_number("18446744073709551616", UINT64_MAX, &number));
	ck_assert(!request_parse_number("11", 10, &number));
	ck_assert(!request_parse_number("", 10, &number));
	ck_assert(!request_parse_number("-1", 10, &number));
	ck_assert(!request_parse_number(" 1", 10, &number));
	ck_assert(!request_parse_number("1x", 10, &number));
	ck_assert(!request_parse_number(NULL, 10, &number));
}

RUN_TESTS("systemd-request", writes_words_and_properties, reads_what_was_written,
	  grows_as_far_as_it_has_to, refuses_what_is_malformed, takes_numbers_of_nothing_but_digits)
