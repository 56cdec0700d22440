/*
 * Structs into JSON, by the tables.  Everything is written twice: once to nowhere, to learn how long
 * it is, and then to its place in the arena, which therefore holds no half-grown copies of it.
 */
#include "libocispec/encode.h"

#include <string.h>

#include "libocispec/json-string.h"
#include "libocispec/number.h"

enum { INDENT = 4 };

struct writer {
	char *out; /* NULL the first time */
	size_t length;
	enum oci_layout layout;
	size_t depth; /* how many objects and arrays are open */
	bool empty;   /* nothing was written into the innermost one yet */
};

static void put(struct writer *writer, const char *text, size_t length)
{
	if (writer->out)
		memcpy(writer->out + writer->length, text, length);
	writer->length += length;
}

static void put_string(struct writer *writer, const char *string)
{
	writer->length += json_quote(string, writer->out ? writer->out + writer->length : NULL);
}

static void start_line(struct writer *writer)
{
	if (writer->layout == OCI_COMPACT)
		return;
	put(writer, "\n", 1);
	for (size_t i = 0; i < INDENT * writer->depth; i++)
		put(writer, " ", 1);
}

static void open_container(struct writer *writer, const char *bracket)
{
	put(writer, bracket, 1);
	writer->depth++;
	writer->empty = true;
}

static void close_container(struct writer *writer, const char *bracket)
{
	writer->depth--;
	if (!writer->empty)
		start_line(writer);
	writer->empty = false;
	put(writer, bracket, 1);
}

/* What comes before each item. */
static void start_item(struct writer *writer)
{
	if (!writer->empty)
		put(writer, ",", 1);
	writer->empty = false;
	start_line(writer);
}

static void put_key(struct writer *writer, const char *key)
{
	start_item(writer);
	put_string(writer, key);
	put(writer, ": ", writer->layout == OCI_COMPACT ? 1 : 2);
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

	put(writer, text, oci_number_write(number, address, text));
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
	open_container(writer, map ? "{" : "[");
	for (; len > 0; len--, item += field->item_size) {
		if (map)
			put_key(writer, pointer_at(item));
		else
			start_item(writer);
		put_value(writer, field, item + field->item_offset);
	}
	close_container(writer, map ? "}" : "]");
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
	open_container(writer, "{");
	for (size_t i = 0; i < object->fields_len; i++) {
		const struct oci_field *field = &oci_fields(object)[i];

		if (is_absent(field, base))
			continue;
		put_key(writer, field->name);
		if (field->shape == OCI_ONE)
			put_value(writer, field, base + field->offset);
		else
			put_items(writer, field, base);
	}
	close_container(writer, "}");
}

char *oci_encode(const struct oci_object *object, const void *value, struct arena *arena,
		 enum oci_layout layout)
{
	struct writer measuring = {.layout = layout};
	struct writer writing = {.layout = layout};

	put_object(&measuring, object, value);
	writing.out = arena_alloc(arena, measuring.length + 1);
	if (!writing.out)
		return NULL;
	put_object(&writing, object, value);
	writing.out[writing.length] = '\0';
	return writing.out;
}
