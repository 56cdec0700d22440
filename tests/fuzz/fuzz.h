/*
 * What the fuzz targets share.  A target is one file, tests/fuzz/fuzz-NAME.c, with one function,
 * LLVMFuzzerTestOneInput(), that turns any bytes into calls of what it tests and checks what comes out;
 * libFuzzer, or replay.c for the bytes that are kept in corpus/NAME, calls it.
 *
 *	https://llvm.org/docs/LibFuzzer.html
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/object.h"
#include "libocispec/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be so, whatever the bytes are: otherwise the place is told, and the program aborts. */
#define EXPECT(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
__attribute__((noreturn)) void fuzz_fail(const char *file, int line, const char *condition);

/* The bytes, as far as they are not used. */
struct input {
	const uint8_t *data;
	size_t size;
};

/* 0 when there is nothing left. */
uint8_t input_byte(struct input *input);
uint64_t input_number(struct input *input, size_t bytes); /* the lowest byte first */

/* Up to the separator, which is left out, or the end; as a string in the arena, without what follows a NUL in
 * it.  NULL if nothing is left or the arena is full. */
const char *input_text(struct input *input, char separator, struct arena *arena);

/* An error as it must be: the result of the function that failed, and a text. */
void expect_error(const struct error *err, int result);

/* One attempt; everything it allocates comes from the arena.  Returns 0 or a negative errno with err. */
typedef int fuzz_attempt(struct input input, struct arena *arena, struct error *err);

/*
 * Makes the attempt; and for one input of four, or for each, once more with an arena that is full at some
 * point, where the bytes decide: that must end in ENOMEM and nothing else.  The sanitizer sees who goes beyond
 * the end of a piece of the arena (arena.c).
 */
void fuzz_with_arena(fuzz_attempt *attempt, const uint8_t *data, size_t size);
extern bool fuzz_always_twice;

/* Encodes the value, decodes that and encodes it again, in both layouts: the same must come out. */
int fuzz_round_trip(const struct oci_object *object, const void *value, struct arena *arena,
		    struct error *err);

/* Decodes a whole input; a mistake in it is told without any control character. */
int fuzz_decode(const struct oci_object *object, struct input input, struct arena *arena,
		void **value, struct error *err);

/* Validates the config as launch_plan() does, and prepares of a valid one what takes no more than the config
 * to prepare. */
int fuzz_check_config(const struct oci_config *config, struct arena *arena, struct error *err);

/* How many files this process has open. */
int fuzz_open_files(void);

/* arena.c: how many pieces were given out, and after how many there are no more (0: never). */
struct arena_control {
	size_t given, most;
};
extern struct arena_control arena_control;

/* Whether a piece was refused already. */
bool arena_refused(void);
