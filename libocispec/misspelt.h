/* Keys that are unknown, but were meant to be known. */
#pragma once

#include <stddef.h>

#include "libocispec/decode.h"
#include "libocispec/object.h"

/* The field of the object that is called nearly so, or NULL: but for case, "_" and "-", or for one letter (of
 * long names two, side by side) that is missing, too many or another, or two that are exchanged; or that begins
 * with the same seven letters or more, which are most of it. */
const struct oci_field *misspelt_field(const struct oci_object *object, const char *name,
				       size_t length);

/* The first such key is a warning, whatever the log's level is; how many are unknown is for --debug. */
void misspelt_tell(const char *file, const struct oci_decoded *decoded);
