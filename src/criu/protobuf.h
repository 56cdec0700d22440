/*
 * Messages as CRIU's service takes and gives them: the wire format of Protocol Buffers, as far as it needs that.
 *
 *	https://protobuf.dev/programming-guides/encoding/
 *
 * Numbers, texts and messages within a message; no floating point, no fixed widths but to pass over them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/arena.h"

/* -- writing ----------------------------------------------------------------------------------- */

/* A message in the making; begin with {.arena = arena}. */
struct protobuf {
	struct arena *arena;
	char *bytes;
	size_t length, room;
	bool full; /* the arena is: the message is not whole */
};

/* Negative numbers as 64 bits in two's complement, as int32 and int64 have them. */
void protobuf_put_number(struct protobuf *message, unsigned int field, int64_t number);
void protobuf_put_text(struct protobuf *message, unsigned int field, const char *text);
void protobuf_put_message(struct protobuf *message, unsigned int field,
			  const struct protobuf *part);

/* -- reading ----------------------------------------------------------------------------------- */

/* What is left of a message, and the field that was read last. */
struct protobuf_reader {
	const uint8_t *next, *end;
	bool damaged;	      /* what is left can't be read */
	unsigned int field;   /* its number */
	uint64_t number;      /* of a number */
	const uint8_t *bytes; /* of a text or a message; otherwise NULL */
	size_t length;
};

struct protobuf_reader protobuf_reader(const void *bytes, size_t length);

/* The next field; false at the end, or where the message is damaged. */
bool protobuf_next(struct protobuf_reader *reader);

/* The message within the field that was read last. */
struct protobuf_reader protobuf_within(const struct protobuf_reader *reader);
