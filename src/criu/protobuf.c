#include "criu/protobuf.h"

#include <string.h>

/* The kinds of fields, by the lowest bits of their keys. */
enum { NUMBER = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5, KIND_BITS = 3 };

enum {
	FIRST_ROOM = 1024,
	LONGEST_NUMBER = 10, /* 64 bits in groups of seven */
};

/* -- writing ----------------------------------------------------------------------------------- */

/* Room for as many bytes, behind those that are there. */
static char *grow(struct protobuf *message, size_t more)
{
	size_t room = message->room ? message->room : FIRST_ROOM;
	char *bytes;

	while (room - message->length < more)
		room *= 2;
	if (room == message->room)
		return message->bytes + message->length;
	bytes = message->full ? NULL : arena_alloc(message->arena, room);
	if (!bytes) {
		message->full = true;
		return NULL;
	}
	if (message->length)
		memcpy(bytes, message->bytes, message->length);
	message->bytes = bytes;
	message->room = room;
	return bytes + message->length;
}

static void put_varint(struct protobuf *message, uint64_t number)
{
	char *bytes = grow(message, LONGEST_NUMBER);

	if (!bytes)
		return;
	for (; number > 0x7f; number >>= 7)
		*bytes++ = (char)(0x80 | (number & 0x7f));
	*bytes++ = (char)number;
	message->length = (size_t)(bytes - message->bytes);
}

static void put_bytes(struct protobuf *message, unsigned int field, const char *from, size_t length)
{
	char *bytes;

	put_varint(message, (uint64_t)field << KIND_BITS | BYTES);
	put_varint(message, length);
	bytes = grow(message, length);
	if (!bytes || length == 0)
		return;
	memcpy(bytes, from, length);
	message->length += length;
}

void protobuf_put_number(struct protobuf *message, unsigned int field, int64_t number)
{
	put_varint(message, (uint64_t)field << KIND_BITS | NUMBER);
	put_varint(message, (uint64_t)number);
}

void protobuf_put_text(struct protobuf *message, unsigned int field, const char *text)
{
	put_bytes(message, field, text, strlen(text));
}

void protobuf_put_message(struct protobuf *message, unsigned int field, const struct protobuf *part)
{
	message->full |= part->full;
	put_bytes(message, field, part->bytes, part->length);
}

/* -- reading ----------------------------------------------------------------------------------- */

struct protobuf_reader protobuf_reader(const void *bytes, size_t length)
{
	return (struct protobuf_reader){.next = bytes,
					.end = length ? (const uint8_t *)bytes + length : bytes};
}

static uint64_t read_varint(struct protobuf_reader *reader)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < LONGEST_NUMBER && reader->next < reader->end; i++) {
		uint8_t byte = *reader->next++;

		number |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return number;
	}
	reader->damaged = true;
	return 0;
}

static void read_bytes(struct protobuf_reader *reader, uint64_t length, bool wanted)
{
	if (reader->damaged || length > (uint64_t)(reader->end - reader->next)) {
		reader->damaged = true;
		return;
	}
	if (wanted) {
		reader->bytes = reader->next;
		reader->length = (size_t)length;
	}
	reader->next += length;
}

bool protobuf_next(struct protobuf_reader *reader)
{
	uint64_t key;

	if (reader->damaged || reader->next == reader->end)
		return false;
	key = read_varint(reader);
	reader->field = (unsigned int)(key >> KIND_BITS);
	reader->number = 0;
	reader->bytes = NULL;
	reader->length = 0;
	switch (key & ((1 << KIND_BITS) - 1)) {
	case NUMBER:
		reader->number = read_varint(reader);
		break;
	case BYTES:
		read_bytes(reader, read_varint(reader), true);
		break;
	case FIXED64:
		read_bytes(reader, sizeof(uint64_t), false);
		break;
	case FIXED32:
		read_bytes(reader, sizeof(uint32_t), false);
		break;
	default:
		reader->damaged = true;
	}
	return !reader->damaged;
}

struct protobuf_reader protobuf_within(const struct protobuf_reader *reader)
{
	return protobuf_reader(reader->bytes, reader->length);
}
