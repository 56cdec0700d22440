/* What the fuzz targets share: see fuzz.h. */
#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libocispec/decode.h"
#include "libocispec/encode.h"

/* One input of so many is tried with a full arena. */
enum { ONCE_MORE = 4 };

bool fuzz_always_twice;

void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

/* -- taking the input to pieces ---------------------------------------------------------------- */

uint8_t input_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

uint64_t input_number(struct input *input, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number |= (uint64_t)input_byte(input) << (8 * i);
	return number;
}

const char *input_text(struct input *input, char separator, struct arena *arena)
{
	const uint8_t *start = input->data;
	const uint8_t *end = input->size ? memchr(start, separator, input->size) : NULL;
	size_t length = end ? (size_t)(end - start) : input->size;

	if (input->size == 0)
		return NULL;
	input->data += length + (end != NULL);
	input->size -= length + (end != NULL);
	return arena_copy(arena, (const char *)start, strnlen((const char *)start, length));
}

/* -- checks ------------------------------------------------------------------------------------ */

void expect_error(const struct error *err, int result)
{
	EXPECT(result < 0);
	EXPECT(err->code == -result);
	EXPECT(memchr(err->text, '\0', sizeof(err->text)));
	EXPECT(memchr(err->hint, '\0', sizeof(err->hint)));
	EXPECT(err->text[0] != '\0');
}

/* By one system call: poll(2) tells of each number that is no file's. */
int fuzz_open_files(void)
{
	enum { MOST_FILES = 64 };
	struct pollfd files[MOST_FILES];
	int count = 0;

	for (int i = 0; i < MOST_FILES; i++)
		files[i] = (struct pollfd){.fd = i};
	EXPECT(poll(files, MOST_FILES, 0) >= 0);
	for (int i = 0; i < MOST_FILES; i++)
		count += !(files[i].revents & POLLNVAL);
	return count;
}

/* FNV-1a: some number that depends on all of the bytes. */
static size_t hash(const uint8_t *data, size_t size)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		value = (value ^ data[i]) * 0x100000001b3;
	return (size_t)(value >> 17);
}

static int attempt_once(fuzz_attempt *attempt, struct input input, size_t most)
{
	/* An error that is not filled in shows as text that is none. */
	static struct error err;
	struct arena arena = {0};
	int r;

	err.text[0] = err.hint[0] = '\0';
	err.code = 0;
	EXPECT(arena_open_private(&arena, &err) == 0);
	arena_control = (struct arena_control){.most = most};
	r = attempt(input, &arena, &err);
	arena_control.most = 0;
	arena_release(&arena);
	if (r < 0)
		expect_error(&err, r);
	return r;
}

void fuzz_with_arena(fuzz_attempt *attempt, const uint8_t *data, size_t size)
{
	const struct input input = {data, size};
	size_t given, choice;

	attempt_once(attempt, input, 0);
	given = arena_control.given;
	choice = hash(data, size);
	if (given > 0 && (fuzz_always_twice || choice % ONCE_MORE == 0))
		EXPECT(attempt_once(attempt, input, 1 + choice / ONCE_MORE % given) == -ENOMEM);
}

int fuzz_decode(const struct oci_object *object, struct input input, struct arena *arena,
		void **value, struct error *err)
{
	struct oci_source source = {
		.name = "config.json", .text = (const char *)input.data, .length = input.size};
	struct oci_decoded decoded = {0};
	int r;

	/* Strings stay in what is the arena's own, which config.json and the records are. */
	if (hash(input.data, input.size) / ONCE_MORE % 2) {
		source.text = source.own = arena_copy(arena, source.text, source.length);
		if (!source.own)
			return arena_full(arena, err);
	}
	r = oci_decode(object, &source, arena, &decoded, err);
	*value = decoded.value;
	if (r == 0)
		EXPECT(!decoded.first_unknown == !decoded.unknown_keys);
	for (const char *c = r < 0 ? err->text : ""; *c; c++)
		EXPECT((unsigned char)*c >= ' ');
	return r;
}

static char *code_again(const struct oci_object *object, const char *text, struct arena *arena,
			struct error *err)
{
	const struct input input = {(const uint8_t *)text, strlen(text)};
	void *value;
	int r = fuzz_decode(object, input, arena, &value, err);

	EXPECT(r == 0 || r == -ENOMEM);
	return r < 0 ? NULL : oci_encode(object, value, arena, OCI_COMPACT);
}

int fuzz_round_trip(const struct oci_object *object, const void *value, struct arena *arena,
		    struct error *err)
{
	const char *compact = oci_encode(object, value, arena, OCI_COMPACT);
	const char *pretty = oci_encode(object, value, arena, OCI_PRETTY);

	for (size_t i = 0; i < 2; i++) {
		const char *text = i ? pretty : compact;
		const char *again = text ? code_again(object, text, arena, err) : NULL;

		if (!again)
			return arena_full(arena, err);
		EXPECT(strcmp(again, compact) == 0);
	}
	return 0;
}
