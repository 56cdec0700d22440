#include "criu/protobuf.h"

#include <string.h>

#include "unit.h"

/* As large as a message of its own, so that the sanitizer sees who reads beyond it. */
struct bytes {
	uint8_t *start;
	size_t length;
};

static struct error err;
static struct arena arena;
static struct protobuf message;

static void begin(void)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	message = (struct protobuf){.arena = &arena};
}

static void expect_bytes(const char *expected, size_t length)
{
	ck_assert(!message.full);
	ck_assert_uint_eq(message.length, length);
	ck_assert_mem_eq(message.bytes, expected, length);
}

/* A string's bytes, without its NUL. */
#define BYTES(text) text, sizeof(text) - 1

static struct bytes copy(const void *from, size_t length)
{
	struct bytes bytes = {malloc(length ? length : 1), length};

	ck_assert_ptr_nonnull(bytes.start);
	if (length)
		memcpy(bytes.start, from, length);
	return bytes;
}

/* How many fields there are; the last is left in *reader. */
static int count_fields(struct protobuf_reader *reader)
{
	int count = 0;

	while (protobuf_next(reader)) {
		ck_assert(reader->next <= reader->end);
		ck_assert(!reader->damaged);
		if (reader->bytes)
			ck_assert(reader->bytes + reader->length <= reader->end);
		count++;
	}
	ck_assert(reader->damaged || reader->next == reader->end);
	/* Nothing follows the end, nor what is damaged. */
	ck_assert(!protobuf_next(reader));
	return count;
}

/* -- writing ----------------------------------------------------------------------------------- */

TEST(writes_numbers_in_groups_of_seven_bits)
{
	static const struct {
		int64_t number;
		const char *bytes;
		size_t length;
	} rows[] = {
		{0, BYTES("\x08\x00")},
		{1, BYTES("\x08\x01")},
		{127, BYTES("\x08\x7f")},
		{128, BYTES("\x08\x80\x01")},
		{300, BYTES("\x08\xac\x02")},
		{INT64_C(1) << 32, BYTES("\x08\x80\x80\x80\x80\x10")},
		{INT64_MAX, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f")},
		{-1, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
		{INT64_MIN, BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		protobuf_put_number(&message, 1, rows[i].number);
		expect_bytes(rows[i].bytes, rows[i].length);
	}
}

TEST(writes_the_number_of_a_field_before_it)
{
	begin();
	protobuf_put_number(&message, 15, 1);
	protobuf_put_number(&message, 16, 1);
	protobuf_put_text(&message, 63, "a");
	protobuf_put_number(&message, 0x1fffffff, 1);
	expect_bytes(BYTES("\x78\x01\x80\x01\x01\xfa\x03\x01"
			   "a"
			   "\xf8\xff\xff\xff\x0f\x01"));
}

TEST(writes_texts_with_their_length)
{
	begin();
	protobuf_put_text(&message, 2, "");
	protobuf_put_text(&message, 2, "testing");
	expect_bytes(BYTES("\x12\x00\x12\x07testing"));
}

TEST(writes_messages_within_messages)
{
	struct protobuf inner, empty;

	begin();
	inner = empty = (struct protobuf){.arena = &arena};
	protobuf_put_number(&inner, 1, 150);
	protobuf_put_message(&inner, 2, &empty);
	protobuf_put_message(&message, 3, &inner);
	protobuf_put_message(&message, 4, &empty);
	expect_bytes(BYTES("\x1a\x05\x08\x96\x01\x12\x00\x22\x00"));
}

TEST(grows_with_what_is_written)
{
	enum { COUNT = 300, LENGTH = 999 };
	struct protobuf_reader reader;
	char text[LENGTH + 1] = "";

	begin();
	memset(text, 'x', LENGTH);
	for (int i = 0; i < COUNT; i++) {
		text[0] = (char)('a' + i % 26);
		protobuf_put_text(&message, 1, text);
		protobuf_put_number(&message, 2, i);
	}
	ck_assert(!message.full);
	reader = protobuf_reader(message.bytes, message.length);
	for (unsigned int i = 0; i < COUNT; i++) {
		text[0] = (char)('a' + i % 26);
		ck_assert(protobuf_next(&reader));
		ck_assert_uint_eq(reader.field, 1);
		ck_assert_uint_eq(reader.length, LENGTH);
		ck_assert_mem_eq(reader.bytes, text, LENGTH);
		ck_assert(protobuf_next(&reader));
		ck_assert_uint_eq(reader.number, i);
	}
	ck_assert(!protobuf_next(&reader) && !reader.damaged);
}

TEST(takes_a_text_that_is_longer_than_all_before_it)
{
	enum { LENGTH = 100000 };
	struct protobuf_reader reader;
	char *text = malloc(LENGTH + 1);

	begin();
	memset(text, 'x', LENGTH);
	text[LENGTH] = '\0';
	protobuf_put_number(&message, 1, 7);
	protobuf_put_text(&message, 2, text);
	ck_assert(!message.full);
	reader = protobuf_reader(message.bytes, message.length);
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.number, 7);
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.length, LENGTH);
	ck_assert_mem_eq(reader.bytes, text, LENGTH);
	free(text);
}

TEST(says_that_the_arena_is_full)
{
	struct protobuf outer;
	char text[2000] = "";

	begin();
	outer = message;
	memset(text, 'x', sizeof(text) - 1);
	protobuf_put_number(&message, 1, 5);
	ck_assert(!message.full);
	while (arena_alloc(&arena, 1))
		continue;
	protobuf_put_text(&message, 2, text);
	ck_assert(message.full);
	/* What is small would fit still, and does not make it whole. */
	protobuf_put_number(&message, 3, 5);
	ck_assert(message.full);
	protobuf_put_message(&outer, 1, &message);
	ck_assert(outer.full);
	outer = (struct protobuf){.arena = &arena};
	protobuf_put_number(&outer, 1, 5);
	protobuf_put_text(&outer, 2, text);
	ck_assert(outer.full);
	ck_assert_uint_eq(outer.length, 0);
}

/* -- reading ----------------------------------------------------------------------------------- */

TEST(reads_the_numbers_that_it_writes)
{
	static const int64_t numbers[] = {
		0, 1,	      127, 128,	     300, UINT32_MAX, -1, INT32_MIN, -2, INT64_C(1) << 32,
		5, INT64_MAX, 6,   INT64_MIN};
	struct protobuf_reader reader;

	begin();
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		protobuf_put_number(&message, i + 1, numbers[i]);
	reader = protobuf_reader(message.bytes, message.length);
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ck_assert(protobuf_next(&reader));
		ck_assert_uint_eq(reader.field, i + 1);
		ck_assert(reader.number == (uint64_t)numbers[i]);
		ck_assert_ptr_null(reader.bytes);
		ck_assert_uint_eq(reader.length, 0);
	}
	ck_assert(!protobuf_next(&reader));
	ck_assert(!reader.damaged);
}

TEST(reads_messages_within_messages)
{
	struct protobuf_reader reader, within;
	struct protobuf inner, innermost;

	begin();
	inner = innermost = (struct protobuf){.arena = &arena};
	protobuf_put_text(&innermost, 1, "deep");
	protobuf_put_message(&inner, 2, &innermost);
	protobuf_put_number(&inner, 3, 4);
	protobuf_put_message(&message, 4, &inner);
	protobuf_put_number(&message, 5, 6);

	reader = protobuf_reader(message.bytes, message.length);
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, 4);
	within = protobuf_within(&reader);
	ck_assert(protobuf_next(&within));
	ck_assert_uint_eq(within.field, 2);
	ck_assert_uint_eq(within.length, 6);
	within = protobuf_within(&within);
	ck_assert(protobuf_next(&within));
	ck_assert_uint_eq(within.length, 4);
	ck_assert_mem_eq(within.bytes, "deep", 4);
	ck_assert(!protobuf_next(&within));
	/* The outer one goes on behind it. */
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, 5);
	ck_assert_uint_eq(reader.number, 6);
}

TEST(finds_nothing_in_nothing)
{
	struct protobuf_reader reader = protobuf_reader(NULL, 0);

	ck_assert_int_eq(count_fields(&reader), 0);
	ck_assert(!reader.damaged);
	reader = protobuf_reader("\x08\x01", 2);
	ck_assert(protobuf_next(&reader));
	/* A number has no message in it. */
	reader = protobuf_within(&reader);
	ck_assert_int_eq(count_fields(&reader), 0);
	ck_assert(!reader.damaged);
}

TEST(passes_over_fields_of_fixed_width)
{
	struct protobuf_reader reader = protobuf_reader(BYTES("\x09"
							      "12345678"
							      "\x15"
							      "1234"
							      "\x18\x05"));

	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, 1);
	ck_assert_ptr_null(reader.bytes);
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, 2);
	ck_assert_ptr_null(reader.bytes);
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, 3);
	ck_assert_uint_eq(reader.number, 5);
	ck_assert(!protobuf_next(&reader));
	ck_assert(!reader.damaged);
}

/* Wherever it is cut, it is whole only between two fields. */
TEST(notices_where_a_message_is_cut)
{
	static const char whole[] = "\x08\xac\x02\x12\x03"
				    "abc"
				    "\x1d"
				    "1234"
				    "\x21"
				    "12345678"
				    "\xaa\x06\x02\x08\x01";
	static const size_t ends[] = {0, 3, 8, 13, 22, 27};
	int fields = 0;

	for (size_t length = 0; length < sizeof(whole); length++) {
		struct bytes bytes = copy(whole, length);
		struct protobuf_reader reader = protobuf_reader(bytes.start, length);
		int count = count_fields(&reader);

		if ((size_t)fields < sizeof(ends) / sizeof(ends[0]) - 1 &&
		    length == ends[fields + 1])
			fields++;
		ck_assert_int_eq(count, fields);
		ck_assert_msg(reader.damaged == (length != ends[fields]), "cut after %zu", length);
		free(bytes.start);
	}
	ck_assert_int_eq(fields, 5);
}

TEST(refuses_what_cannot_be)
{
	static const struct {
		const char *why, *bytes;
		size_t length;
		int fields; /* before it */
	} rows[] = {
		{"a number of eleven bytes",
		 BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), 0},
		{"a key of eleven bytes", BYTES("\x88\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
		 0},
		{"a number without an end", BYTES("\x08\x01\x08\x80"), 1},
		{"a key without a value", BYTES("\x08\x01\x08"), 1},
		{"a length beyond the end", BYTES("\x12\x03xy"), 0},
		{"a length that is missing", BYTES("\x12"), 0},
		{"a length of 2^63", BYTES("\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01x"), 0},
		{"a length of 2^64 - 1", BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz"),
		 0},
		{"64 bits that are 56",
		 BYTES("\x09"
		       "1234567"),
		 0},
		{"32 bits that are 24",
		 BYTES("\x0d"
		       "123"),
		 0},
		{"a group's begin", BYTES("\x08\x01\x0b\x08\x01"), 1},
		{"a group's end", BYTES("\x0c\x08\x01"), 0},
		{"kind 6", BYTES("\x0e\x08\x01"), 0},
		{"kind 7", BYTES("\x0f\x08\x01"), 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes bytes = copy(rows[i].bytes, rows[i].length);
		struct protobuf_reader reader = protobuf_reader(bytes.start, bytes.length);

		ck_assert_msg(count_fields(&reader) == rows[i].fields, "%s", rows[i].why);
		ck_assert_msg(reader.damaged, "%s", rows[i].why);
		free(bytes.start);
	}
}

/* Each byte is changed to each other value. */
TEST(reads_no_further_than_to_the_end_whatever_there_is)
{
	static const char whole[] = "\x08\xac\x02\x12\x03"
				    "abc"
				    "\x1d"
				    "1234"
				    "\x2a\x02\x08\x01";

	for (size_t at = 0; at < sizeof(whole) - 1; at++)
		for (int value = 0; value < 256; value++) {
			struct bytes bytes = copy(whole, sizeof(whole) - 1);
			struct protobuf_reader reader = protobuf_reader(bytes.start, bytes.length);

			bytes.start[at] = (uint8_t)value;
			ck_assert_int_le(count_fields(&reader), (int)sizeof(whole) / 2);
			free(bytes.start);
		}
}

RUN_TESTS("criu-protobuf", writes_numbers_in_groups_of_seven_bits,
	  writes_the_number_of_a_field_before_it, writes_texts_with_their_length,
	  writes_messages_within_messages, grows_with_what_is_written,
	  takes_a_text_that_is_longer_than_all_before_it, says_that_the_arena_is_full,
	  reads_the_numbers_that_it_writes, reads_messages_within_messages,
	  finds_nothing_in_nothing, passes_over_fields_of_fixed_width,
	  notices_where_a_message_is_cut, refuses_what_cannot_be,
	  reads_no_further_than_to_the_end_whatever_there_is)
