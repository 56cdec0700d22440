/*
 * What comes from CRIU, and with a checkpoint, by the first byte: "m" a message to the reader, "c" proa.json, "d"
 * descriptors.json, "l" a log.  A message that is read, written and read again is the same; no file stays open; and
 * what is told of a log or of a mistake is one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu/call.h"
#include "criu/protobuf.h"
#include "fuzz.h"
#include "runtime/checkpoint-image.h"

enum { DEEPEST = 6, MOST_TOLD = 1024 };

#define FAILED "CRIU has failed"

static char path[] = "/tmp/proa-fuzz-XXXXXX";
static struct checkpoint_image image = {-1, -1};

/* The files, by their letters. */
static struct {
	char letter;
	const char *name;
	int fd;
} files[] = {{'c', "proa.json", -1}, {'d', "descriptors.json", -1}, {'l', "dump.log", -1}};

enum { FILES = sizeof(files) / sizeof(files[0]) };

static void remove_folder(void)
{
	for (size_t i = 0; i < FILES; i++)
		unlinkat(image.images, files[i].name, 0);
	rmdir(path);
}

static void make_folder(void)
{
	EXPECT(mkdtemp(path));
	image.images = image.work = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(image.images >= 0);
	for (size_t i = 0; i < FILES; i++) {
		files[i].fd =
			openat(image.images, files[i].name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		EXPECT(files[i].fd >= 0);
	}
	atexit(remove_folder);
}

static void expect_one_line(const char *text)
{
	for (; *text; text++)
		EXPECT((unsigned char)*text >= ' ');
}

/* -- messages ---------------------------------------------------------------------------------- */

static bool is_within(const struct protobuf_reader *reader, const uint8_t *begin)
{
	return reader->next >= begin && reader->next <= reader->end &&
	       (!reader->bytes || (reader->bytes >= begin &&
				   reader->length <= (size_t)(reader->next - reader->bytes)));
}

/* Reads all fields, as messages where they may be some, and writes those of the outermost again. */
static void read_fields(struct protobuf_reader reader, struct protobuf *copy, int depth)
{
	const uint8_t *begin = reader.next;

	while (protobuf_next(&reader)) {
		const struct protobuf part = {.bytes = (char *)(uintptr_t)reader.bytes,
					      .length = reader.length};

		EXPECT(!reader.damaged && is_within(&reader, begin));
		EXPECT(reader.bytes ? !reader.number : !reader.length);
		if (depth < DEEPEST)
			read_fields(protobuf_within(&reader), NULL, depth + 1);
		if (copy && reader.bytes)
			protobuf_put_message(copy, reader.field, &part);
		else if (copy)
			protobuf_put_number(copy, reader.field, (int64_t)reader.number);
	}
	EXPECT(is_within(&reader, begin));
	EXPECT(reader.damaged || reader.next == reader.end);
	EXPECT(!protobuf_next(&reader));
}

static void expect_same(struct protobuf_reader first, struct protobuf_reader second)
{
	while (protobuf_next(&first)) {
		EXPECT(protobuf_next(&second));
		EXPECT(first.field == second.field && first.number == second.number);
		EXPECT(!first.bytes == !second.bytes && first.length == second.length);
		if (first.length)
			EXPECT(memcmp(first.bytes, second.bytes, first.length) == 0);
	}
	EXPECT(!protobuf_next(&second) && !second.damaged);
}

static int check_message(struct input input, struct arena *arena, struct error *err)
{
	const struct protobuf_reader reader = protobuf_reader(input.data, input.size);
	struct protobuf copy = {.arena = arena};

	read_fields(reader, &copy, 0);
	EXPECT(copy.full == arena_refused());
	if (copy.full)
		return arena_full(arena, err);
	expect_same(reader, protobuf_reader(copy.bytes, copy.length));
	return 0;
}

/* -- files ------------------------------------------------------------------------------------- */

static int check_checkpoint(struct arena *arena, struct error *err)
{
	const struct oci_config config = {0};
	const struct oci_checkpoint *checkpoint = NULL;
	int r = checkpoint_load(&image, &checkpoint, arena, err);

	if (r < 0)
		return r;
	EXPECT(checkpoint && checkpoint->version && checkpoint->id && checkpoint->created);
	EXPECT(checkpoint->confinement);
	r = fuzz_round_trip(&oci_checkpoint_object, checkpoint, arena, err);
	if (r < 0)
		return r;
	r = checkpoint_compare(checkpoint, &config, true, arena, err);
	EXPECT(r == 0 || r == -EINVAL || r == -ENOMEM);
	return r;
}

static int check_streams(struct arena *arena, struct error *err)
{
	const char *streams[CHECKPOINT_STREAMS] = {"", "", ""};
	int r = checkpoint_load_streams(&image, streams, arena, err);

	for (size_t i = 1; i < CHECKPOINT_STREAMS; i++)
		EXPECT(!streams[i] || streams[i - 1]);
	EXPECT(r == 0 || !streams[0]);
	return r;
}

/* The errno is the answer's, if it is one. */
static int check_log(struct input input, struct error *err)
{
	const struct criu_answer answer = {.code = (int8_t)input_byte(&input)};
	int r = criu_explain(image.work, "dump.log", &answer, err);

	EXPECT(r == (answer.code > 0 ? -answer.code : -EIO));
	EXPECT(strncmp(err->text, FAILED, strlen(FAILED)) == 0);
	EXPECT(strlen(err->text) < MOST_TOLD && !strchr(err->text, 0x7f));
	return r;
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	uint8_t letter = input_byte(&input);
	int r = 0;

	if (letter == 'm')
		return check_message(input, arena, err);
	if (letter == 'c')
		r = check_checkpoint(arena, err);
	else if (letter == 'd')
		r = check_streams(arena, err);
	else if (letter == 'l')
		r = check_log(input, err);
	if (r < 0)
		expect_one_line(err->text);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int open_files;

	if (image.images < 0)
		make_folder();
	open_files = fuzz_open_files();
	for (size_t i = 0; size && i < FILES; i++)
		if (data[0] == files[i].letter) {
			EXPECT(pwrite(files[i].fd, data + 1, size - 1, 0) == (ssize_t)size - 1);
			EXPECT(ftruncate(files[i].fd, (off_t)size - 1) == 0);
		}
	fuzz_with_arena(attempt, data, size);
	EXPECT(fuzz_open_files() == open_files);
	return 0;
}
