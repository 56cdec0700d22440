/* What the runtime and proa-systemd say to one another, see request.h; part of both programs. */
#include "systemd/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- writing ------------------------------------------------------------------------------------ */

static bool make_room(struct request *request, size_t more)
{
	size_t size = request->size ? request->size : 1024;
	char *bytes;

	while (size - request->length < more)
		size *= 2;
	if (size == request->size)
		return true;
	bytes = realloc(request->bytes, size);
	if (!bytes)
		return false;
	request->bytes = bytes;
	request->size = size;
	return true;
}

void request_word(struct request *request, const char *word)
{
	size_t length = strlen(word) + 1;

	if (request->failed || !make_room(request, length)) {
		request->failed = true;
		return;
	}
	memcpy(request->bytes + request->length, word, length);
	request->length += length;
}

void request_number(struct request *request, uint64_t number)
{
	char word[24];

	snprintf(word, sizeof(word), "%" PRIu64, number);
	request_word(request, word);
}

void request_property(struct request *request, const char *need, const char *name, const char *type,
		      size_t count)
{
	request_word(request, need);
	request_word(request, name);
	request_word(request, type);
	request_number(request, count);
}

void request_text(struct request *request, const char *need, const char *name, const char *value)
{
	request_property(request, need, name, "s", 1);
	request_word(request, value);
}

void request_flag(struct request *request, const char *need, const char *name, bool value)
{
	request_property(request, need, name, "b", 1);
	request_number(request, value);
}

void request_natural(struct request *request, const char *need, const char *name, uint64_t value)
{
	request_property(request, need, name, "t", 1);
	request_number(request, value);
}

/* -- reading ------------------------------------------------------------------------------------ */

const char *request_next(struct request_reader *reader)
{
	const char *word = reader->at;
	const char *end =
		word < reader->end ? memchr(word, '\0', (size_t)(reader->end - word)) : NULL;

	if (!end)
		return NULL;
	reader->at = end + 1;
	return word;
}

bool request_parse_number(const char *word, uint64_t most, uint64_t *number)
{
	char *end;

	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	*number = strtoull(word, &end, 10);
	return errno == 0 && *end == '\0' && *number <= most;
}

int request_next_property(struct request_reader *reader, struct request_head *head)
{
	uint64_t count;

	if (reader->at == reader->end)
		return 0;
	head->need = request_next(reader);
	head->name = request_next(reader);
	head->type = request_next(reader);
	/* Each value takes a byte at least: so no count is beyond what is there. */
	if (!request_parse_number(request_next(reader), (uint64_t)(reader->end - reader->at),
				  &count))
		return -EPROTO;
	head->count = count;
	return 1;
}
