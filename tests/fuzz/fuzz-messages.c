/*
 * What the user is told, whatever bytes stand in it: one line without control characters, and in the log one
 * JSON object; and a JSON string is whole whatever the size of its buffer.
 *
 * The first two bytes are choices; the rest are lines, one for each layer that adds to the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#include "basic/json.h"
#include "basic/log.h"
#include "fuzz.h"

enum { MOST_LINE = 1 << 15, MOST_FILE = 1 << 20 };

/* These take the place of the log and of the standard error, which is kept. */
static int log_file = -1, errors_file = -1, kept = -1;

/* How far they are read. */
static off_t log_end, errors_end;

static void open_files(void)
{
	struct error err;
	char path[64];

	log_file = memfd_create("log", MFD_CLOEXEC);
	errors_file = memfd_create("errors", MFD_CLOEXEC);
	kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	EXPECT(log_file >= 0 && errors_file >= 0 && kept >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", log_file);
	EXPECT(log_open(path, LOG_JSON, &err) == 0);
}

/* Takes what the file has more, which must be one line, without its end. */
static size_t take_line(int file, off_t *end, char line[MOST_LINE])
{
	ssize_t length = pread(file, line, MOST_LINE - 1, *end);

	EXPECT(length > 0 && line[length - 1] == '\n');
	*end += length;
	line[--length] = '\0';
	EXPECT(strlen(line) == (size_t)length);
	for (ssize_t i = 0; i < length; i++)
		EXPECT((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
	/* It takes time, so not for each line. */
	if (*end > MOST_FILE) {
		EXPECT(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
		*end = 0;
	}
	return (size_t)length;
}

static void expect_json(const char *text, size_t length)
{
	yajl_handle parser = yajl_alloc(NULL, NULL, NULL);

	EXPECT(parser);
	EXPECT(yajl_parse(parser, (const unsigned char *)text, length) == yajl_status_ok);
	EXPECT(yajl_complete_parse(parser) == yajl_status_ok);
	yajl_free(parser);
}

static void expect_told(const struct error *err)
{
	static char line[MOST_LINE];
	size_t length;

	EXPECT(dup2(errors_file, STDERR_FILENO) >= 0);
	log_error(err);
	EXPECT(dup2(kept, STDERR_FILENO) >= 0);
	take_line(errors_file, &errors_end, line);
	length = take_line(log_file, &log_end, line);
	expect_json(line, length);
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	unsigned int choice = input_byte(&input);
	size_t size = 3 + input_byte(&input), length;
	const char *text = input_text(&input, '\n', arena);
	char quoted[3 + UINT8_MAX];

	text = text ? text : "";
	length = json_string(quoted, size, text);
	EXPECT(length == strlen(quoted) && length < size);
	expect_json(quoted, length);
	if (choice & 1)
		error_config(err, "%s", text);
	else
		error_errno(err, (int)(choice >> 1) + 1, "%s", text);
	while (input.size && (text = input_text(&input, '\n', arena)))
		(*text == '?' ? error_hint : error_in)(err, "%s", text);
	if (arena_refused())
		return arena_full(arena, err);
	expect_told(err);
	EXPECT(err->code > 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (log_file < 0)
		open_files();
	fuzz_with_arena(attempt, data, size);
	return 0;
}
