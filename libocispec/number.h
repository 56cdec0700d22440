/* Integers in JSON, and in members of any width. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libocispec/object.h"

/* The longest number, "-9223372036854775808" or "18446744073709551615". */
enum { NUMBER_TEXT_SIZE = 20 };

/* Stores the number written at text, a JSON number, in member.  False, and nothing is stored, if it
 * is no integer or out of range. */
bool oci_number_read(const struct oci_number *number, const char *text, size_t length,
		     void *member);

/* Writes the member's number, without a NUL; returns its length. */
size_t oci_number_write(const struct oci_number *number, const void *member,
			char text[static NUMBER_TEXT_SIZE]);
