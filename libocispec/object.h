/*
 * How an object of the specification is described to the program: the rows of the tables which
 * libocispec/generate writes from the schema files.  The decoder, the encoder and the tests walk
 * them, so that a field is named once, in its schema file.
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

/* Which numbers a field takes. */
struct oci_number {
	const char *expected; /* "an unsigned 32-bit number" */
	int64_t min;	      /* below 0: the member is signed */
	uint64_t max;
	size_t size; /* of the member, in bytes */
};

struct oci_field {
	const char *name; /* the JSON key */
	size_t name_length;
	enum oci_kind kind;
	enum oci_shape shape;
	bool required;
	size_t offset;	    /* of the member in its struct; of an array, of the pointer */
	size_t has_offset;  /* of the bool beside it, or 0 when it has none */
	size_t len_offset;  /* of an array's or map's length */
	size_t item_size;   /* of an array's or map's item */
	size_t item_offset; /* of the value in an item */
	const struct oci_number *number; /* of OCI_NUMBER */
	const struct oci_object *object; /* of OCI_OBJECT */
};

/* The most fields that an object can have: the decoder keeps a bit for each. */
enum { OCI_MOST_FIELDS = 64 };

struct oci_object {
	const char *name;		/* "io_priority" of struct oci_io_priority */
	size_t size;			/* of the struct */
	const struct oci_field *fields; /* in the order in which they are written */
	size_t fields_len;
	const uint8_t *sorted; /* the fields' indices, by name */
	uint64_t required;     /* a bit for each field which must be there */
};

/* An item of a map of strings. */
struct oci_pair {
	const char *key;
	const char *value;
};
