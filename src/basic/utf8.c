#include "basic/utf8.h"

size_t utf8_length(const char *text, size_t length)
{
	/* RFC 3629, section 4: what may follow depends on the first byte, so that no character
	 * can be written in two ways, and none is a surrogate. */
	static const struct {
		unsigned char first, last, second_first, second_last;
		size_t length;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t form = 0, i;

	while (form < sizeof(forms) / sizeof(forms[0]) && bytes[0] > forms[form].last)
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]) || bytes[0] < forms[form].first)
		return 0;
	if (forms[form].length == 1)
		return 1;
	if (length < forms[form].length || bytes[1] < forms[form].second_first ||
	    bytes[1] > forms[form].second_last)
		return 0;
	for (i = 2; i < forms[form].length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return forms[form].length;
}

size_t utf8_write(uint32_t character, char text[static UTF8_MOST_BYTES])
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; character >>= 6)
		text[i] = (char)(0x80 | (character & 0x3f));
	text[0] = (char)(marks[length] | character);
	return length;
}
