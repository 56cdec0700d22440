/* From the structs of libocispec/types.h to JSON. */
#pragma once

#include "basic/arena.h"
#include "libocispec/object.h"

enum oci_layout {
	OCI_COMPACT, /* one line without spaces */
	OCI_PRETTY,  /* one field or item to a line, indented by four spaces */
};

/*
 * The JSON of value, the object's struct, as a string in the arena without a newline at its end, or
 * NULL when the arena is full.  The fields come in the order of the schema; what is absent is left
 * out: NULL, false, and numbers whose has_x is false.  Bytes which are no UTF-8 become U+FFFD.
 */
char *oci_encode(const struct oci_object *object, const void *value, struct arena *arena,
		 enum oci_layout layout);
