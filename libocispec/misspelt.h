/* Keys that are unknown, but were meant to be known. */
#pragma once

#include <stddef.h>

#include "libocispec/object.h"

/* The field of the object that is called nearly so, or NULL: but for case, "_" and "-", or for one letter that
 * is missing, too many or another, or two that are exchanged. */
const struct oci_field *misspelt_field(const struct oci_object *object, const char *name,
				       size_t length);
