#include "libocispec/json-string.h"

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

/* Writes the character of so many bytes at text, 0 if it is none, as it stands in a string. */
static size_t write_escaped(const char *text, size_t bytes, char out[static 8])
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

/* How much of the string stands for itself; it ends at its NUL at the latest. */
static size_t plain_length(const char *string)
{
	size_t length = 0;

	while ((signed char)string[length] >= 0x20 && string[length] != '"' &&
	       string[length] != '\\')
		length++;
	return length;
}

static void append(char *out, size_t *written, const char *piece, size_t length)
{
	if (out)
		memcpy(out + *written, piece, length);
	*written += length;
}

size_t json_quote(const char *string, char *out)
{
	const char *end = string + strlen(string);
	size_t written = 0, plain, bytes;
	char piece[8];

	append(out, &written, "\"", 1);
	while (string < end) {
		plain = plain_length(string);
		append(out, &written, string, plain);
		string += plain;
		if (string == end)
			break;
		bytes = utf8_length(string, (size_t)(end - string));
		append(out, &written, piece, write_escaped(string, bytes, piece));
		string += bytes ? bytes : 1;
	}
	append(out, &written, "\"", 1);
	return written;
}
