/*
 * Unknown keys are ignored, as the specification demands.  But who writes "seccmp" believes that there is a
 * filter; so what looks like a mistake is told.
 */
#include "libocispec/misspelt.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
	SHORTEST = 4, /* shorter names resemble too many others */
	LONGEST = 64,
};

/* Writes name in small letters and without "_" and "-"; returns the length, or 0 if it has no room. */
static size_t fold(const char *name, size_t length, char folded[LONGEST])
{
	size_t end = 0;

	if (length > LONGEST)
		return 0;
	for (size_t i = 0; i < length; i++)
		if (name[i] != '_' && name[i] != '-')
			folded[end++] = (char)tolower((unsigned char)name[i]);
	return end;
}

/* What is left between the common beginning and the common end is one mistake at most. */
static bool is_near(const char *one, size_t length, const char *other, size_t other_length)
{
	while (length && other_length && *one == *other) {
		one++, other++;
		length--, other_length--;
	}
	while (length && other_length && one[length - 1] == other[other_length - 1])
		length--, other_length--;
	if (length <= 1 && other_length <= 1)
		return true;
	return length == 2 && other_length == 2 && one[0] == other[1] && one[1] == other[0];
}

const struct oci_field *misspelt_field(const struct oci_object *object, const char *name,
				       size_t length)
{
	char folded[LONGEST], known[LONGEST];
	size_t folded_length = fold(name, length, folded);

	if (folded_length < SHORTEST)
		return NULL;
	for (size_t i = 0; i < object->fields_len; i++) {
		const struct oci_field *field = &oci_fields(object)[i];
		size_t known_length = fold(field->name, field->name_length, known);

		if (known_length >= SHORTEST && is_near(folded, folded_length, known, known_length))
			return field;
	}
	return NULL;
}
