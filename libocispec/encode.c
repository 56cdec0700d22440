/*
 * Structs into JSON, by the tables.  It is written where it stays: into the piece of the arena that was given
 * out last, which grows in its place.
 */
#include "libocispec/encode.h"

#include <string.h>

#include "libocispec/json-string.h"
#include "libocispec/number.h"

enum {
	INDENT = 4,
	FIRST_SIZE = 1024,
};

struct writer {
	struct arena *arena;
	char *out; /* NULL: the arena is full */
	size_t length, size;
	enum oci_layout layout;
	size_t depth; /* how many objects and arrays are open */
	bool empty;   /* nothing was written into the innermost one yet */
};

/* Where the next bytes go, so many at most; NULL when the arena is full. */
static char *make_room(struct writer *writer, size_t most)
{
	const size_t size = 2 * (writer->size + most);

	if (writer->out && most > writer->size - writer->length) {
		if (arena_resize(writer->arena, writer->out, size))
			writer->size = size;
		else
			writer->out = NULL;
	}
	return writer->out ? writer->out + writer->length : NULL;
}

static void put(struct writer *writer, const char *text, size_t length)
{
	char *out = make_room(writer, length);

	if (!out)
		return;
	memcpy(out, text, length);
	writer->length += length;
}

static void put_char(struct writer *writer, char one)
{
	char *out = make_room(writer, 1);

	if (!out)
		return;
	*out = one;
	writer->length++;
}

static void put_string(struct writer *writer, const char *string)
{
	char *out = make_room(writer, json_quoted_size(string));

	if (out)
		writer->length += json_quote(string, out);
}

static void start_line(struct writer *writer)
{
	if (writer->layout == OCI_COMPACT)
		return;
	put_char(writer, '\n');
	for (size_t i = 0; i < INDENT * writer->depth; i++)
		put_char(writer, ' ');
}

static void open_container(struct writer *writer, char bracket)
{
	put_char(writer, bracket);
	writer->depth++;
	writer->empty = true;
}

static void close_container(struct writer *writer, char bracket)
{
	writer->depth--;
	if (!writer->empty)
		start_line(writer);
	writer->empty = false;
	put_char(writer, bracket);
}

/* What comes before each item. */
static void start_item(struct writer *writer)
{
	if (!writer->empty)
		put_char(writer, ',');
	writer->empty = false;
	start_line(writer);
}

static void put_colon(struct writer *writer)
{
	put_char(writer, ':');
	if (writer->layout == OCI_PRETTY)
		put_char(writer, ' ');
}

/* A name of the schema's has nothing that would have to be escaped. */
static void put_name(struct writer *writer, const struct oci_field *field)
{
	start_item(writer);
	put_char(writer, '"');
	put(writer, field->name, field->name_length);
	put_char(writer, '"');
	put_colon(writer);
}

static void put_key(struct writer *writer, const char *key)
{
	start_item(writer);
	put_string(writer, key);
	put_colon(writer);
}

static void put_object(struct writer *writer, const struct oci_object *object, const char *base);

static const void *pointer_at(const char *address)
{
	const void *pointer;

	memcpy(&pointer, address, sizeof(pointer));
	return pointer;
}

static void put_number(struct writer *writer, const struct oci_number *number, const char *address)
{
	char text[NUMBER_TEXT_SIZE];
	const size_t length = oci_number_write(number, address, text);

	put(writer, text, length);
}

/* One value; an item's object lies in place. */
static void put_value(struct writer *writer, const struct oci_field *field, const char *address)
{
	switch (field->kind) {
	case OCI_STRING:
		put_string(writer, pointer_at(address));
		break;
	case OCI_BOOL:
		put(writer, *(const bool *)address ? "true" : "false",
		    *(const bool *)address ? 4 : 5);
		break;
	case OCI_NUMBER:
		put_number(writer, oci_number_of(field), address);
		break;
	case OCI_DECIMAL:
		put(writer, pointer_at(address), strlen(pointer_at(address)));
		break;
	case OCI_OBJECT:
		put_object(writer, oci_object_of(field),
			   field->shape == OCI_ONE ? pointer_at(address) : address);
		break;
	case OCI_SKIP:
		break;
	}
}

static void put_items(struct writer *writer, const struct oci_field *field, const char *base)
{
	const char *item = pointer_at(base + field->offset);
	bool map = field->shape == OCI_MAP;
	size_t len;

	memcpy(&len, base + field->len_offset, sizeof(len));
	open_container(writer, map ? '{' : '[');
	for (; len > 0; len--, item += field->item_size) {
		if (map)
			put_key(writer, pointer_at(item));
		else
			start_item(writer);
		put_value(writer, field, item + field->item_offset);
	}
	close_container(writer, map ? '}' : ']');
}

static bool is_absent(const struct oci_field *field, const char *base)
{
	const char *address = base + field->offset;

	if (field->kind == OCI_SKIP)
		return true;
	if (field->shape != OCI_ONE)
		return !field->required && !pointer_at(address);
	if (field->kind == OCI_STRING || field->kind == OCI_DECIMAL || field->kind == OCI_OBJECT)
		return !pointer_at(address);
	if (field->has_offset)
		return !*(const bool *)(base + field->has_offset);
	return !field->required && !*(const bool *)address;
}

static void put_object(struct writer *writer, const struct oci_object *object, const char *base)
{
	open_container(writer, '{');
	for (size_t i = 0; i < object->fields_len; i++) {
		const struct oci_field *field = &oci_fields(object)[i];

		if (is_absent(field, base))
			continue;
		put_name(writer, field);
		if (field->shape == OCI_ONE)
			put_value(writer, field, base + field->offset);
		else
			put_items(writer, field, base);
	}
	close_container(writer, '}');
}

char *oci_encode(const struct oci_object *object, const void *value, struct arena *arena,
		 enum oci_layout layout)
{
	struct writer writer = {
		.arena = arena,
		.out = arena_alloc(arena, FIRST_SIZE),
		.size = FIRST_SIZE,
		.layout = layout,
	};

	put_object(&writer, object, value);
	put_char(&writer, '\0');
	if (!writer.out)
		return NULL;
	arena_resize(arena, writer.out, writer.length);
	return writer.out;
}
