/*
 * A recursive descent, as deep as GVARIANT_MOST_DEPTH: the text comes from whoever may write annotations, so
 * neither its length nor its nesting may decide how much of the stack is used.
 *
 * A type that is known before its value, because a keyword, "@type" or the array's first element tells it,
 * is handed down as "expected"; otherwise that is NULL, and the value decides.
 */
#include "basic/gvariant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *text; /* the whole */
	const char *at;	  /* what is next */
	int depth;
	struct arena *arena;
	struct error *err;
};

/* The types of numbers, and of what else has a keyword. */
static const struct basic_type {
	char type;
	bool is_signed;
	uint64_t most;
	const char *keyword;
} basic_types[] = {
	{'b', false, 0, "boolean"},	    {'y', false, UINT8_MAX, "byte"},
	{'n', true, INT16_MAX, "int16"},    {'q', false, UINT16_MAX, "uint16"},
	{'i', true, INT32_MAX, "int32"},    {'u', false, UINT32_MAX, "uint32"},
	{'h', true, INT32_MAX, "handle"},   {'x', true, INT64_MAX, "int64"},
	{'t', false, UINT64_MAX, "uint64"}, {'d', false, 0, "double"},
	{'s', false, 0, "string"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse_value(struct parser *parser, const char *expected, struct gvariant **value);

static int fail(struct parser *parser, const char *at, const char *expected)
{
	return error_config(parser->err, "at byte %td: expected %s", at - parser->text, expected);
}

static int full(struct parser *parser)
{
	return arena_full(parser->arena, parser->err);
}

static void skip_space(struct parser *parser)
{
	parser->at += strspn(parser->at, " \t\n\v\f\r");
}

/* Whether the character is next; then what is next is what follows it. */
static bool take(struct parser *parser, char character)
{
	skip_space(parser);
	if (*parser->at != character)
		return false;
	parser->at++;
	return true;
}

static int take_or_fail(struct parser *parser, char character, const char *expected)
{
	return take(parser, character) ? 0 : fail(parser, parser->at, expected);
}

/* How long the word that is next is: true, uint64, -0x5, 1.5e+3. */
static size_t word_length(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._");
}

static bool word_is(const char *at, const char *word)
{
	return word_length(at) == strlen(word) && strncmp(at, word, strlen(word)) == 0;
}

/* -- types ------------------------------------------------------------------------------------- */

static const struct basic_type *basic_type(char type)
{
	for (size_t i = 0; i < COUNT(basic_types); i++)
		if (basic_types[i].type == type)
			return &basic_types[i];
	return NULL;
}

static const char *type_end(const char *type, int depth);

/* The types up to the closing character, at least one. */
static const char *types_end(const char *type, char closing, int depth)
{
	do
		type = type_end(type, depth);
	while (type && *type != closing);
	return type ? type + 1 : NULL;
}

/* Where the one type that begins at type ends, or NULL: it is none. */
static const char *type_end(const char *type, int depth)
{
	if (depth > GVARIANT_MOST_DEPTH)
		return NULL;
	if (*type && (basic_type(*type) || *type == 'v'))
		return type + 1;
	if (*type == '(')
		return types_end(type + 1, ')', depth + 1);
	if (*type != 'a')
		return NULL;
	if (type[1] != '{')
		return type_end(type + 1, depth + 1);
	/* The entry of a dictionary: a basic type, then any one. */
	type = basic_type(type[2]) ? type_end(type + 3, depth + 1) : NULL;
	return type && *type == '}' ? type + 1 : NULL;
}

static const char *cut(struct parser *parser, const char *type, size_t length)
{
	return arena_copy(parser->arena, type, length);
}

/* The one type that expected begins with is not what the value that stands at at has. */
static int fail_type(struct parser *parser, const char *at, const char *expected)
{
	return error_config(parser->err, "at byte %td: expected a value of type %.*s",
			    at - parser->text, (int)(type_end(expected, 0) - expected), expected);
}

static int make(struct parser *parser, char type, struct gvariant **value)
{
	const char letter[] = {type};

	*value = arena_array(parser->arena, struct gvariant, 1);
	if (!*value)
		return full(parser);
	(*value)->type = type;
	(*value)->signature = cut(parser, letter, 1);
	return (*value)->signature ? 0 : full(parser);
}

/* The signature of a value that holds others: "(" "i" "s" ")", or "a" and the first one's type. */
static int sign(struct parser *parser, struct gvariant *value, const char *begin, const char *end)
{
	char text[GVARIANT_LONGEST_TYPE + 1];
	size_t length = strlen(begin);
	bool one = value->type == 'a';

	memcpy(text, begin, length);
	for (const struct gvariant *item = value->items; item; item = one ? NULL : item->next) {
		size_t more = strlen(item->signature);

		if (length + more + strlen(end) > GVARIANT_LONGEST_TYPE)
			return fail(parser, parser->at, "a type of at most 255 letters");
		memcpy(text + length, item->signature, more);
		length += more;
	}
	memcpy(text + length, end, strlen(end));
	value->signature = cut(parser, text, length + strlen(end));
	return value->signature ? 0 : full(parser);
}

/* -- numbers and words ------------------------------------------------------------------------- */

static int fail_range(struct parser *parser, const char *at, const struct basic_type *type)
{
	if (type->is_signed)
		return error_config(
			parser->err, "at byte %td: expected %s, a number from -%llu to %llu",
			at - parser->text, type->keyword, (unsigned long long)type->most + 1,
			(unsigned long long)type->most);
	return error_config(parser->err, "at byte %td: expected %s, a number from 0 to %llu",
			    at - parser->text, type->keyword, (unsigned long long)type->most);
}

static int parse_integer(struct parser *parser, const struct basic_type *type,
			 struct gvariant *value)
{
	const char *at = parser->at, *digits = at + (*at == '-' || *at == '+');
	uint64_t most = *at != '-' ? type->most : type->is_signed ? type->most + 1 : 0;
	uint64_t number;
	char *end;

	/* strtoull() would take another sign, and spaces. */
	if (*digits < '0' || *digits > '9')
		return fail_range(parser, at, type);
	errno = 0;
	number = strtoull(digits, &end, 0);
	if (end != at + word_length(at) || errno == ERANGE || number > most)
		return fail_range(parser, at, type);
	if (!type->is_signed)
		value->natural = number;
	else
		value->integer = (int64_t)(*at == '-' ? -number : number);
	parser->at = end;
	return 0;
}

static int parse_real(struct parser *parser, struct gvariant *value)
{
	const char *at = parser->at;
	char *end;

	value->real = strtod(at, &end);
	/* Neither infinite nor "nan": no property takes that. */
	if (end == at || end != at + word_length(at) || !__builtin_isfinite(value->real))
		return fail(parser, at, "double, a finite number");
	parser->at = end;
	return 0;
}

static bool is_real(const char *at)
{
	size_t length = word_length(at);

	if (memchr(at, '.', length))
		return true;
	return !memchr(at, 'x', length) && !memchr(at, 'X', length) &&
	       (memchr(at, 'e', length) || memchr(at, 'E', length));
}

static int parse_number(struct parser *parser, const char *expected, struct gvariant **value)
{
	char type = expected ? *expected : is_real(parser->at) ? 'd' : 'i';
	const struct basic_type *basic = basic_type(type);
	int r;

	if (!basic || (basic->most == 0 && type != 'd'))
		return fail_type(parser, parser->at, expected);
	r = make(parser, type, value);
	if (r < 0)
		return r;
	return type == 'd' ? parse_real(parser, *value) : parse_integer(parser, basic, *value);
}

static int parse_boolean(struct parser *parser, const char *expected, struct gvariant **value)
{
	bool is_true = word_is(parser->at, "true");
	int r;

	if (expected && *expected != 'b')
		return fail_type(parser, parser->at, expected);
	r = make(parser, 'b', value);
	if (r < 0)
		return r;
	(*value)->boolean = is_true;
	parser->at += word_length(parser->at);
	return 0;
}

/* true, false, or the name of a type and a value of it. */
static int parse_word(struct parser *parser, const char *expected, struct gvariant **value)
{
	const char *at = parser->at;

	if (word_is(at, "true") || word_is(at, "false"))
		return parse_boolean(parser, expected, value);
	for (size_t i = 0; i < COUNT(basic_types); i++) {
		const char type[] = {basic_types[i].type, '\0'};

		if (!word_is(at, basic_types[i].keyword))
			continue;
		if (expected && *expected != *type)
			return fail_type(parser, at, expected);
		parser->at += word_length(at);
		return parse_value(parser, type, value);
	}
	return fail(parser, at, "a value");
}

/* -- strings ----------------------------------------------------------------------------------- */

static char *put_utf8(char *to, uint32_t character)
{
	if (character < 0x80) {
		*to++ = (char)character;
		return to;
	}
	if (character < 0x800) {
		*to++ = (char)(0xc0 | character >> 6);
	} else {
		if (character < 0x10000) {
			*to++ = (char)(0xe0 | character >> 12);
		} else {
			*to++ = (char)(0xf0 | character >> 18);
			*to++ = (char)(0x80 | (character >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (character & 0x3f));
	return to;
}

/* \u00e4 or \U000000e4; the escape is never shorter than the character's UTF-8. */
static int parse_unicode(struct parser *parser, char **to)
{
	size_t digits = *parser->at == 'u' ? 4 : 8;
	char hex[9] = "";
	uint32_t character;

	if (strspn(parser->at + 1, "0123456789abcdefABCDEF") < digits)
		return fail(parser, parser->at + 1, digits == 4 ? "4 hex digits" : "8 hex digits");
	memcpy(hex, parser->at + 1, digits);
	character = (uint32_t)strtoul(hex, NULL, 16);
	if (character == 0 || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return fail(parser, parser->at + 1, "a character of Unicode, and not NUL");
	*to = put_utf8(*to, character);
	parser->at += 1 + digits;
	return 0;
}

/* What follows a backslash.  A line's end is left out; what means nothing stands for itself. */
static int parse_escape(struct parser *parser, char **to)
{
	static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
	char letter = *parser->at;
	const char *found;

	if (letter == '\0')
		return fail(parser, parser->at, "what the backslash escapes");
	if (letter == 'u' || letter == 'U')
		return parse_unicode(parser, to);
	found = strchr(letters, letter);
	if (letter != '\n')
		*(*to)++ = found ? meanings[found - letters] : letter;
	parser->at++;
	return 0;
}

/* How many bytes of text are the string's, up to its closing quote or the end. */
static size_t string_length(const char *text, char quote)
{
	size_t length = 0;

	while (text[length] && text[length] != quote)
		length += text[length] == '\\' && text[length + 1] ? 2 : 1;
	return length;
}

static int parse_string(struct parser *parser, const char *expected, struct gvariant **value)
{
	char quote = *parser->at, *string;
	int r;

	if (expected && *expected != 's')
		return fail_type(parser, parser->at, expected);
	r = make(parser, 's', value);
	if (r < 0)
		return r;
	parser->at++;
	string = arena_alloc(parser->arena, string_length(parser->at, quote) + 1);
	if (!string)
		return full(parser);
	(*value)->string = string;
	while (*parser->at && *parser->at != quote) {
		char next = *parser->at++;

		if (next != '\\')
			*string++ = next;
		else if ((r = parse_escape(parser, &string)) < 0)
			return r;
	}
	return take_or_fail(parser, quote, quote == '"' ? "the closing \"" : "the closing '");
}

/* -- what holds others ------------------------------------------------------------------------- */

/* key: value */
static int parse_entry(struct parser *parser, const char *expected, struct gvariant **value)
{
	const char *at;
	int r = make(parser, '{', value);

	if (r < 0)
		return r;
	skip_space(parser);
	at = parser->at;
	r = parse_value(parser, expected ? expected + 1 : NULL, &(*value)->items);
	if (r < 0)
		return r;
	if (!basic_type((*value)->items->type))
		return fail(parser, at, "a key: a string, a number or a boolean");
	r = take_or_fail(parser, ':', "\":\"");
	if (r < 0)
		return r;
	r = parse_value(parser, expected ? expected + 2 : NULL, &(*value)->items->next);
	return r < 0 ? r : sign(parser, *value, "{", "}");
}

/* What an array holds, up to its closing character. */
static int parse_items(struct parser *parser, const char *item_type, struct gvariant *array,
		       char closing)
{
	bool is_array = closing == ']';
	struct gvariant **next = &array->items;
	int r = 0;

	while (r == 0 && !take(parser, closing)) {
		if (array->items && !take(parser, ','))
			return fail(parser, parser->at,
				    is_array ? "\",\" or \"]\"" : "\",\" or \"}\"");
		r = (is_array ? parse_value : parse_entry)(parser, item_type, next);
		if (r < 0)
			return r;
		item_type = (*next)->signature;
		next = &(*next)->next;
	}
	return r;
}

/* An array or a dictionary, which is an array of entries. */
static int parse_array(struct parser *parser, const char *expected, struct gvariant **value)
{
	const char *at = parser->at++;
	char closing = *at == '[' ? ']' : '}';
	int r;

	if (expected && (*expected != 'a' || (expected[1] == '{') != (closing == '}')))
		return fail_type(parser, at, expected);
	r = make(parser, 'a', value);
	if (r == 0)
		r = parse_items(parser, expected ? expected + 1 : NULL, *value, closing);
	if (r < 0)
		return r;
	if ((*value)->items)
		return sign(parser, *value, "a", "");
	if (!expected)
		return fail(parser, at, "a type before what is empty, as in @as []");
	(*value)->signature = cut(parser, expected, (size_t)(type_end(expected, 0) - expected));
	return (*value)->signature ? 0 : full(parser);
}

/* The items of a tuple that follow the first, each after a comma.  A tuple of one has a comma too: (1,). */
static int parse_rest(struct parser *parser, const char *type, struct gvariant **next)
{
	int r = take_or_fail(parser, ',', "\",\"");

	if (r < 0 || take(parser, ')'))
		return r;
	do {
		skip_space(parser);
		if (type && *type == ')')
			return fail(parser, parser->at, "\")\"");
		r = parse_value(parser, type, next);
		if (r < 0)
			return r;
		type = type ? type_end(type, 0) : NULL;
		next = &(*next)->next;
	} while (take(parser, ','));
	return take_or_fail(parser, ')', "\",\" or \")\"");
}

static int parse_tuple(struct parser *parser, const char *expected, struct gvariant **value)
{
	const char *at = parser->at++, *type = expected ? expected + 1 : NULL;
	int r;

	if (expected && *expected != '(')
		return fail_type(parser, at, expected);
	r = make(parser, '(', value);
	if (r == 0)
		r = parse_value(parser, type, &(*value)->items);
	if (r == 0)
		r = parse_rest(parser, type ? type_end(type, 0) : NULL, &(*value)->items->next);
	if (r == 0)
		r = sign(parser, *value, "(", ")");
	if (r == 0 && expected &&
	    strncmp(expected, (*value)->signature, strlen((*value)->signature)))
		return fail_type(parser, at, expected);
	return r;
}

static int parse_variant(struct parser *parser, const char *expected, struct gvariant **value)
{
	int r;

	if (expected && *expected != 'v')
		return fail_type(parser, parser->at, expected);
	r = make(parser, 'v', value);
	if (r < 0)
		return r;
	parser->at++;
	r = parse_value(parser, NULL, &(*value)->items);
	return r < 0 ? r : take_or_fail(parser, '>', "\">\"");
}

/* @type value */
static int parse_typed(struct parser *parser, const char *expected, struct gvariant **value)
{
	const char *type = parser->at + 1, *end = type_end(type, parser->depth), *known;

	if (!end || end - type > GVARIANT_LONGEST_TYPE)
		return fail(parser, type, "a type");
	known = cut(parser, type, (size_t)(end - type));
	if (!known)
		return full(parser);
	if (expected && strncmp(expected, known, strlen(known)) != 0)
		return fail_type(parser, type, expected);
	parser->at = end;
	return parse_value(parser, known, value);
}

static int parse_value(struct parser *parser, const char *expected, struct gvariant **value)
{
	static const struct {
		char first;
		int (*parse)(struct parser *parser, const char *expected, struct gvariant **value);
	} forms[] = {
		{'\'', parse_string}, {'"', parse_string},  {'[', parse_array}, {'(', parse_tuple},
		{'{', parse_array},   {'<', parse_variant}, {'@', parse_typed},
	};
	int (*parse)(struct parser *, const char *, struct gvariant **) = parse_word;
	int r;

	skip_space(parser);
	if (parser->depth == GVARIANT_MOST_DEPTH)
		return fail(parser, parser->at, "at most 16 values in one another");
	for (size_t i = 0; i < COUNT(forms); i++)
		if (*parser->at == forms[i].first)
			parse = forms[i].parse;
	if (*parser->at && strchr("0123456789+-.", *parser->at))
		parse = parse_number;
	parser->depth++;
	r = parse(parser, expected, value);
	parser->depth--;
	return r;
}

int gvariant_parse(const char *text, struct arena *arena, struct gvariant **value,
		   struct error *err)
{
	struct parser parser = {.text = text, .at = text, .arena = arena, .err = err};
	int r = parse_value(&parser, NULL, value);

	if (r < 0)
		return r;
	skip_space(&parser);
	return *parser.at ? fail(&parser, parser.at, "the end") : 0;
}
