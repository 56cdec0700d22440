#include "libocispec/json-string.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "basic/utf8.h"

static const char has_nul[] = "a string must not hold a NUL character";
static const char has_half_pair[] = "a string must not hold half of a surrogate pair";

const char *json_bad_utf8(const char *raw, size_t length)
{
	const char *end = raw + length;

	while (raw < end) {
		size_t bytes = (signed char)*raw >= 0 ? 1 : utf8_length(raw, (size_t)(end - raw));

		if (bytes == 0)
			return raw;
		raw += bytes;
	}
	return NULL;
}

bool json_is_ascii(const char *text, size_t length)
{
	const uint64_t tops = UINT64_MAX / 0xff << 7;
	uint64_t eight, all = 0;

	for (; length >= sizeof(eight); text += sizeof(eight), length -= sizeof(eight)) {
		memcpy(&eight, text, sizeof(eight));
		all |= eight;
	}
	for (; length > 0; text++, length--)
		all |= (unsigned char)*text;
	return (all & tops) == 0;
}

static uint32_t hex_digit(char digit)
{
	if (digit <= '9')
		return (uint32_t)(digit - '0');
	return (uint32_t)((digit | 0x20) - 'a' + 10);
}

static uint32_t hex_value(const char *digits)
{
	return hex_digit(digits[0]) << 12 | hex_digit(digits[1]) << 8 | hex_digit(digits[2]) << 4 |
	       hex_digit(digits[3]);
}

/*
 * The character of the \uXXXX whose digits *raw is at, or of two, which make a surrogate pair;
 * moves *raw behind them.  NUL and half a pair give 0.
 */
static uint32_t read_character(const char **raw, const char *end)
{
	uint32_t first = hex_value(*raw), second = 0;

	*raw += 4;
	if (first < 0xd800 || first > 0xdfff)
		return first;
	if (first < 0xdc00 && end - *raw >= 6 && (*raw)[0] == '\\' && (*raw)[1] == 'u')
		second = hex_value(*raw + 2);
	if (second < 0xdc00 || second > 0xdfff)
		return 0;
	*raw += 6;
	return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* What a backslash and this letter stand for. */
static char short_escape(char letter)
{
	static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *found = memchr(letters, letter, sizeof(letters) - 1);

	return found ? values[found - letters] : letter;
}

const char *json_unescape(const char *raw, size_t length, char *text)
{
	const char *end = raw + length, *escape;
	uint32_t character;

	while ((escape = memchr(raw, '\\', (size_t)(end - raw)))) {
		text = mempcpy(text, raw, (size_t)(escape - raw));
		raw = escape + 2;
		if (raw[-1] != 'u') {
			*text++ = short_escape(raw[-1]);
			continue;
		}
		character = read_character(&raw, end);
		if (character == 0)
			return memcmp(raw - 4, "0000", 4) == 0 ? has_nul : has_half_pair;
		text += utf8_write(character, text);
	}
	text = mempcpy(text, raw, (size_t)(end - raw));
	*text = '\0';
	return NULL;
}

enum { LONGEST_ESCAPE = sizeof("\\u0000") - 1 };

/* Writes the character of so many bytes at text, 0 if it is none, as it stands in a string. */
static size_t write_escaped(const char *text, size_t bytes, char out[static LONGEST_ESCAPE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char first = (unsigned char)*text;

	if (bytes == 0)
		return utf8_write(0xfffd, out);
	if (first == '"' || first == '\\') {
		out[0] = '\\';
		out[1] = (char)first;
		return 2;
	}
	if (first >= 0x20) {
		memcpy(out, text, bytes);
		return bytes;
	}
	memcpy(out, "\\u00", 4);
	out[4] = digits[first >> 4];
	out[5] = digits[first & 0xf];
	return 6;
}

/* The characters that stand for themselves. */
static const bool plain[UCHAR_MAX + 1] = {
	[' '] = true,
	['!'] = true,
	['"' + 1 ... '\\' - 1] = true,
	['\\' + 1 ... 0x7f] = true,
};

/* How much of the string stands for itself; it ends at its NUL at the latest. */
static size_t plain_length(const char *string)
{
	const char *end = string;

	while (plain[(unsigned char)*end])
		end++;
	return (size_t)(end - string);
}

size_t json_quoted_size(const char *string)
{
	return LONGEST_ESCAPE * strlen(string) + strlen("\"\"");
}

size_t json_quote(const char *string, char *out)
{
	char *next = out;

	*next++ = '"';
	for (;;) {
		size_t length = plain_length(string), bytes;

		next = mempcpy(next, string, length);
		string += length;
		if (!*string)
			break;
		/* The NUL is no part of a character: it is not read past. */
		bytes = utf8_length(string, UTF8_MOST_BYTES);
		next += write_escaped(string, bytes, next);
		string += bytes ? bytes : 1;
	}
	*next++ = '"';
	return (size_t)(next - out);
}
