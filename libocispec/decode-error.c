/*
 * What the user is told when config.json is wrong.
 *
 * Places are worked out only here, from pointers into the source: a file that is right pays nothing
 * for them.  What is quoted from the source is quoted as it stands there, with its escapes, which
 * keeps an error on one line; no JSON token has a raw newline in it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/utf8.h"
#include "libocispec/decoder.h"

enum {
	PATH_SIZE = 1024,
	TEXT_SIZE = 512,
	MOST_QUOTED = 40, /* bytes of a value */
};

struct place {
	size_t line;
	size_t column;
};

static struct place place_of(const struct oci_source *source, const char *at)
{
	struct place place = {.line = 1, .column = 1};

	for (const char *byte = source->text; byte < at; byte++) {
		place.column++;
		if (*byte == '\n')
			place = (struct place){.line = place.line + 1, .column = 1};
	}
	return place;
}

/* How much of a text is quoted: all, or what fits without cutting a character. */
static int quoted_length(const char *text, size_t length)
{
	size_t shown = 0, bytes;

	if (length <= MOST_QUOTED)
		return (int)length;
	while ((bytes = utf8_length(text + shown, length - shown)) && shown + bytes <= MOST_QUOTED)
		shown += bytes;
	return (int)shown;
}

static int write_step(const struct frame *frame, bool first, char *path, size_t size)
{
	const struct token *key = &frame->key;

	if (frame->kind == IN_ARRAY)
		return snprintf(path, size, "[%zu]", frame->len ? frame->len - 1 : 0);
	if (!key->text)
		return 0;
	if (frame->kind == IN_MAP)
		return snprintf(path, size, "[\"%.*s\"]", (int)key->length, key->text);
	return snprintf(path, size, "%s%.*s", first ? "" : ".", (int)key->length, key->text);
}

void decoder_path(const struct decoder *decoder, enum path_end end, char *path, size_t size)
{
	size_t steps = end == TO_CONTAINER && decoder->depth ? decoder->depth - 1 : decoder->depth;
	size_t used = 0;

	path[0] = '\0';
	for (size_t i = 0; i < steps && used < size; i++) {
		const struct frame *frame = &decoder->frames[i];

		if (frame->kind == IN_UNKNOWN_OBJECT || frame->kind == IN_UNKNOWN_ARRAY)
			return;
		used += (size_t)write_step(frame, i == 0, path + used, size - used);
	}
}

int decoder_fail(struct decoder *decoder, const char *at, enum path_end end, const char *format,
		 ...)
{
	struct place place = place_of(decoder->source, at);
	char path[PATH_SIZE], text[TEXT_SIZE];
	va_list args;

	decoder_path(decoder, end, path, sizeof(path));
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_config(decoder->err, "%s:%zu:%zu: %s%s%s", decoder->source->name, place.line,
		     place.column, path, path[0] ? ": " : "", text);
	return 0;
}

int decoder_full(struct decoder *decoder)
{
	arena_full(decoder->arena, decoder->err);
	return 0;
}

static bool is_text(const struct token *token, const char *text)
{
	return token->length == strlen(text) && memcmp(token->text, text, token->length) == 0;
}

static bool holds_number(const struct token *token)
{
	return token->length > 0 && isdigit((unsigned char)token->text[token->length - 1]) &&
	       (isdigit((unsigned char)token->text[0]) || token->text[0] == '-');
}

static void hint_at_quotes(struct decoder *decoder, const struct token *token, const char *expected)
{
	bool scalar = token->kind == TOKEN_NUMBER || token->kind == TOKEN_TRUE ||
		      token->kind == TOKEN_FALSE;

	if (scalar && strcmp(expected, "a string") == 0)
		error_hint(decoder->err, "put it in quotes");
	if (token->kind != TOKEN_STRING)
		return;
	if (strcmp(expected, "true or false") == 0 &&
	    (is_text(token, "true") || is_text(token, "false")))
		error_hint(decoder->err, "remove the quotes");
	if (strstr(expected, "number") && holds_number(token))
		error_hint(decoder->err, "remove the quotes");
}

int decoder_mismatch(struct decoder *decoder, const struct token *token, const char *expected)
{
	static const char *const names[] = {
		[TOKEN_NULL] = "null",	      [TOKEN_TRUE] = "true",	  [TOKEN_FALSE] = "false",
		[TOKEN_OBJECT] = "an object", [TOKEN_ARRAY] = "an array",
	};
	bool is_string = token->kind == TOKEN_STRING;
	int length = quoted_length(token->text, token->length);
	const char *dots = (size_t)length < token->length ? "..." : "";
	const char *quote = is_string ? "\"" : "";

	if (is_string || token->kind == TOKEN_NUMBER)
		decoder_fail(decoder, token->text - is_string, TO_VALUE,
			     "expected %s, found %s%.*s%s%s", expected, quote, length, token->text,
			     dots, quote);
	else
		decoder_fail(decoder, token->text, TO_VALUE, "expected %s, found %s", expected,
			     names[token->kind]);
	hint_at_quotes(decoder, token, expected);
	return 0;
}

static const char *skip_spaces(const char *text, const char *end)
{
	while (text < end && strchr(" \t\r\n", *text) && *text != '\0')
		text++;
	return text;
}

static bool is_word(char letter)
{
	return isalnum((unsigned char)letter) || letter == '_' || letter == '.' || letter == '-' ||
	       letter == '+';
}

/* What stands at a place where it should not. */
static void describe(const char *at, const char *end, char *found, size_t size)
{
	const char *last = at;

	while (last < end && is_word(*last))
		last++;
	if (*at == '"')
		snprintf(found, size, "a string");
	else if (last > at)
		snprintf(found, size, "%.*s", quoted_length(at, (size_t)(last - at)), at);
	else if (isgraph((unsigned char)*at))
		snprintf(found, size, "%c", *at);
	else
		snprintf(found, size, "the byte 0x%02x", (unsigned char)*at);
}

static const char *describe_expected(const struct decoder *decoder, bool after_comma)
{
	const struct frame *frame = decoder->depth ? &decoder->frames[decoder->depth - 1] : NULL;
	bool array = frame && (frame->kind == IN_ARRAY || frame->kind == IN_UNKNOWN_ARRAY);

	switch (decoder->expected) {
	case EXPECT_FIRST:
		return array ? "a value or ]" : "a key or }";
	case EXPECT_COLON:
		return "a colon";
	case EXPECT_SEPARATOR:
		if (after_comma)
			return array ? "a value" : "a key";
		return array ? "a comma or ]" : "a comma or }";
	case EXPECT_NOTHING:
		return "nothing more";
	case EXPECT_VALUE:
		break;
	}
	return "a value";
}

static void hint_at_syntax(struct decoder *decoder, const char *at, bool after_comma)
{
	const char *end = decoder->source->text + decoder->source->length;

	if (after_comma && (*at == '}' || *at == ']'))
		error_hint(decoder->err, "remove the comma before it");
	else if (*at == '/' && end - at > 1 && (at[1] == '/' || at[1] == '*'))
		error_hint(decoder->err, "JSON has no comments");
	else if (*at == '\'')
		error_hint(decoder->err, "JSON's quotes are \"");
	else if ((unsigned char)*at == 0xef && at == decoder->source->text)
		error_hint(decoder->err, "save the file without a byte order mark");
}

/* The parser's reason without "lexical error: " and what follows it, or NULL. */
static const char *lexical_reason(const char *reason, int *length)
{
	static const char mark[] = "lexical error: ";
	const char *found = strstr(reason, mark);

	if (!found)
		return NULL;
	found += sizeof(mark) - 1;
	*length = (int)strcspn(found, ".\n");
	return found;
}

void decoder_syntax_error(struct decoder *decoder, const char *reason, bool at_end)
{
	const char *end = decoder->source->text + decoder->source->length;
	const char *at = skip_spaces(decoder->position, end);
	enum path_end path = decoder->expected == EXPECT_COLON ? TO_VALUE : TO_CONTAINER;
	bool after_comma = false;
	char found[MOST_QUOTED + 1];
	const char *lexical;
	int length = 0;

	/* What stands between two tokens was no token of its own: it is stepped over here. */
	if (decoder->expected == EXPECT_SEPARATOR && at < end && *at == ',') {
		after_comma = true;
		at = skip_spaces(at + 1, end);
	} else if (decoder->expected == EXPECT_COLON && at < end && *at == ':') {
		decoder->expected = EXPECT_VALUE;
		at = skip_spaces(at + 1, end);
	}
	if (at == end && decoder->depth == 0) {
		decoder_fail(decoder, decoder->source->text, path, "the file is empty");
		return;
	}
	if (at == end || (at_end && decoder->expected != EXPECT_NOTHING)) {
		decoder_fail(decoder, end, path, "the file ends before it is complete");
		return;
	}
	lexical = lexical_reason(reason, &length);
	if (lexical && (*at == '"' || *at == '-' || isdigit((unsigned char)*at))) {
		decoder_fail(decoder, at, path, "not valid JSON: %.*s", length, lexical);
		return;
	}
	describe(at, end, found, sizeof(found));
	decoder_fail(decoder, at, path, "expected %s, found %s",
		     describe_expected(decoder, after_comma), found);
	hint_at_syntax(decoder, at, after_comma);
}
