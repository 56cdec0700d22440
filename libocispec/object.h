/*
 * How an object of the specification is described to the program: the rows of the tables which
 * libocispec/generate writes from the schema files.  The decoder, the encoder and the tests walk
 * them, so that a field is named once, in its schema file.
 *
 * There is no pointer in a row, but the distance from the row itself to what it speaks of, as all of them lie in one
 * struct: pointers would have to be relocated each time the program is started, and cost a page fault for each
 * page of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value is. */
enum oci_kind {
	OCI_STRING,  /* const char * */
	OCI_BOOL,    /* bool */
	OCI_NUMBER,  /* an integer of number->size bytes */
	OCI_DECIMAL, /* const char *: a number with a fraction, as it is written */
	OCI_OBJECT, /* a struct: behind a pointer when it is a field, in place when it is an item */
	OCI_SKIP,   /* known, but of no use here: any value, which is not kept */
};

/* How many there are. */
enum oci_shape {
	OCI_ONE,
	OCI_ARRAY, /* a pointer to the items, and how many there are; a zeroed item follows them */
	OCI_MAP,   /* the same; each item begins with its key, a const char * */
};

enum { OCI_NAME_SIZE = 40, OCI_EXPECTED_SIZE = 64 };

/* Which numbers a field takes. */
struct oci_number {
	char expected[OCI_EXPECTED_SIZE]; /* "an unsigned 32-bit number" */
	int64_t min;			  /* below 0: the member is signed */
	uint64_t max;
	size_t size; /* of the member, in bytes */
};

struct oci_field {
	char name[OCI_NAME_SIZE]; /* the JSON key */
	uint8_t name_length;
	enum oci_kind kind : 8;
	enum oci_shape shape : 8;
	bool required;
	uint16_t offset;      /* of the member in its struct; of an array, of the pointer */
	uint16_t has_offset;  /* of the bool beside it, or 0 when it has none */
	uint16_t len_offset;  /* of an array's or map's length */
	uint16_t item_size;   /* of an array's or map's item */
	uint16_t item_offset; /* of the value in an item */
	int32_t type_at; /* from here: of OCI_NUMBER its struct oci_number, of OCI_OBJECT its object */
};

/* The most fields that an object can have: the decoder keeps a bit for each. */
enum { OCI_MOST_FIELDS = 64 };

struct oci_object {
	uint16_t size; /* of the struct */
	uint16_t fields_len;
	int32_t fields_at; /* from here: in the order in which they are written */
	int32_t sorted_at; /* from here: the fields' indices, by length of name and name */
	uint64_t required; /* a bit for each field which must be there */
};

static inline const struct oci_field *oci_fields(const struct oci_object *object)
{
	return (const void *)((const char *)object + object->fields_at);
}

static inline const uint8_t *oci_sorted(const struct oci_object *object)
{
	return (const void *)((const char *)object + object->sorted_at);
}

static inline const struct oci_number *oci_number_of(const struct oci_field *field)
{
	return (const void *)((const char *)field + field->type_at);
}

static inline const struct oci_object *oci_object_of(const struct oci_field *field)
{
	return (const void *)((const char *)field + field->type_at);
}

/* An item of a map of strings. */
struct oci_pair {
	const char *key;
	const char *value;
};
