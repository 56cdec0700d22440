#include "basic/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

size_t base64_room(const char *text)
{
	return strlen(text) / 4 * 3 + 3;
}

/* The six bits of a letter, or -1. */
static int bits_of(char letter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? (int)(found - letters) : -1;
}

/* One group of four letters, the last of which may be "=" or "=="; returns the number of bytes. */
static int decode_group(const char *group, unsigned char bytes[3])
{
	int padding = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		int bits = i < 4 - padding ? bits_of(group[i]) : 0;

		if (bits < 0)
			return -EINVAL;
		value = value << 6 | (uint32_t)bits;
	}
	for (int i = 0; i < 3 - padding; i++)
		bytes[i] = (unsigned char)(value >> (16 - 8 * i));
	return 3 - padding;
}

ssize_t base64_decode(const char *text, unsigned char *bytes)
{
	size_t length = strlen(text), count = 0;

	if (length % 4)
		return -EINVAL;
	for (size_t i = 0; i < length; i += 4) {
		int r = decode_group(text + i, bytes + count);

		/* What is padded is the end. */
		if (r < 0 || (r < 3 && i + 4 < length))
			return -EINVAL;
		count += (size_t)r;
	}
	return (ssize_t)count;
}
