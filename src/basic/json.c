#include "basic/json.h"

#include <stdio.h>
#include <string.h>

#include "basic/utf8.h"

enum { LONGEST_ESCAPE = sizeof("\\u0000") - 1 };

/* Writes what the first character of text becomes, and returns how many bytes of text that was. */
static size_t quote_one(const unsigned char *text, char piece[LONGEST_ESCAPE + 1])
{
	/* The NUL at its end is no part of a character: it is not read past. */
	size_t length = utf8_length((const char *)text, UTF8_MOST_BYTES);

	if (length == 0) {
		strcpy(piece, "\\ufffd");
		return 1;
	}
	if (*text == '"' || *text == '\\')
		snprintf(piece, LONGEST_ESCAPE + 1, "\\%c", *text);
	else if (*text < 0x20 || *text == 0x7f)
		snprintf(piece, LONGEST_ESCAPE + 1, "\\u%04x", *text);
	else
		snprintf(piece, LONGEST_ESCAPE + 1, "%.*s", (int)length, (const char *)text);
	return length;
}

size_t json_string(char *buffer, size_t size, const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char piece[LONGEST_ESCAPE + 1];
	size_t used = 1;

	buffer[0] = '"';
	while (*from) {
		size_t taken = quote_one(from, piece);
		size_t length = strlen(piece);

		/* room for the closing quote and the NUL */
		if (used + length + 2 > size)
			break;
		memcpy(buffer + used, piece, length);
		used += length;
		from += taken;
	}
	memcpy(buffer + used, "\"", 2);
	return used + 1;
}

size_t json_string_size(const char *text)
{
	return strlen(text) * LONGEST_ESCAPE + sizeof("\"\"");
}
