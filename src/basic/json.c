#include "basic/json.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_ESCAPE = sizeof("\\u0000") - 1 };

/* How many bytes the UTF-8 character at text takes, or 0 if there is none. */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, second_first, second_last, length;
	} forms[] = {
		/* RFC 3629, section 4 */
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (text[0] < forms[i].first || text[0] > forms[i].last)
			continue;
		if (forms[i].length == 1)
			return 1;
		if (text[1] < forms[i].second_first || text[1] > forms[i].second_last)
			return 0;
		for (size_t j = 2; j < forms[i].length; j++)
			if (text[j] < 0x80 || text[j] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* Writes what the first character of text becomes, and returns how many bytes of text that was. */
static size_t quote_one(const unsigned char *text, char piece[LONGEST_ESCAPE + 1])
{
	size_t length = utf8_length(text);

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
