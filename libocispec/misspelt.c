/*
 * Unknown keys are ignored, as the specification demands.  But who writes "seccmp" believes that there is a
 * filter; so what looks like a mistake is told.
 */
#include "libocispec/misspelt.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "basic/log.h"

enum {
	SHORTEST = 4, /* shorter names resemble too many others */
	LONG = 8,     /* from here on two letters in one place, as in maskPaths, are one mistake */
	SAME = 7,     /* so many letters of the beginning are enough, as in apparmor, capability */
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

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* They begin with the same word, and the shorter one is little more than that. */
static bool begins_alike(size_t same, size_t shorter)
{
	return same >= SAME && same * 3 >= shorter * 2;
}

/* What is left between the common beginning and the common end is one mistake at most. */
static bool is_near(const char *one, size_t length, const char *other, size_t other_length)
{
	size_t shorter = smaller(length, other_length), same = 0;
	size_t mistake = shorter >= LONG ? 2 : 1;

	while (same < shorter && one[same] == other[same])
		same++;
	if (begins_alike(same, shorter))
		return true;
	one += same, other += same;
	length -= same, other_length -= same;
	while (length && other_length && one[length - 1] == other[other_length - 1])
		length--, other_length--;
	if (length <= mistake && other_length <= mistake)
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

void misspelt_tell(const char *file, const struct oci_decoded *decoded)
{
	if (decoded->unknown_keys)
		log_debug("%s: %zu unknown keys are ignored, the first is %s", file,
			  decoded->unknown_keys, decoded->first_unknown);
	if (decoded->misspelt)
		log_warning_always("%s: %s is unknown and ignored: is \"%s\" meant?", file,
				   decoded->misspelt, decoded->meant);
}
