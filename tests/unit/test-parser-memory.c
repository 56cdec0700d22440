#include "libocispec/parser-memory.h"

#include <errno.h>
#include <string.h>

#include "libocispec/decode.h"
#include "libocispec/types.h"
#include "unit.h"

static struct arena arena;
static struct parser_memory memory;

static void begin(size_t length)
{
	struct error err = {0};

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_int_eq(parser_memory_reserve(&memory, &arena, length), 0);
}

static void end(void)
{
	arena_release(&arena);
}

TEST(keeps_what_is_in_a_piece_that_grows)
{
	char *piece, *other, *grown;

	begin(100);
	piece = memory.functions.malloc(memory.functions.ctx, 5);
	strcpy(piece, "four");
	other = memory.functions.malloc(memory.functions.ctx, 5);
	strcpy(other, "five");
	grown = memory.functions.realloc(memory.functions.ctx, piece, 1000);
	ck_assert_str_eq(grown, "four");
	ck_assert_str_eq(other, "five");
	memory.functions.free(memory.functions.ctx, grown);
	ck_assert_ptr_nonnull(memory.functions.realloc(memory.functions.ctx, NULL, 10));
	end();
}

TEST(has_an_end)
{
	begin(100);
	ck_assert_ptr_null(memory.functions.malloc(memory.functions.ctx, 1 << 20));
	ck_assert_ptr_null(memory.functions.malloc(memory.functions.ctx, SIZE_MAX - 4));
	end();
}

TEST(is_refused_by_an_arena_that_is_full)
{
	struct error err = {0};
	const struct oci_source source = {"config.json", "{}", 2, NULL};
	struct oci_decoded decoded;

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	arena.used = arena.size - 1024;
	ck_assert_int_eq(oci_decode(&oci_config_object, &source, &arena, &decoded, &err), -ENOMEM);
	ck_assert_str_eq(err.text,
			 "more than 256 MiB of memory would be needed: cannot allocate memory");
	end();
}

/* One string, half of it escapes, is what takes the parser most: both of its buffers grow. */
TEST(is_enough_for_the_longest_string)
{
	const size_t length = 4 << 20;
	char *text = malloc(length);
	struct oci_source source = {"config.json", text, length, NULL};
	const struct oci_config *config;
	struct oci_decoded decoded;
	struct error err = {0};

	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	for (size_t i = 0; i + 1 < length; i += 2)
		memcpy(text + i, "\\n", 2);
	memcpy(text, "{\"ociVersion\":\"", 15);
	text[15] = ' ';
	/* without its end it is copied as a token, too */
	ck_assert_int_eq(oci_decode(&oci_config_object, &source, &arena, &decoded, &err), -EINVAL);
	memcpy(text + length - 2, "\"}", 2);
	ck_assert_int_eq(oci_decode(&oci_config_object, &source, &arena, &decoded, &err), 0);
	config = decoded.value;
	ck_assert_uint_eq(strlen(config->oci_version), 1 + (length - 18) / 2);
	free(text);
	end();
}

RUN_TESTS("parser-memory", keeps_what_is_in_a_piece_that_grows, has_an_end,
	  is_refused_by_an_arena_that_is_full, is_enough_for_the_longest_string)
