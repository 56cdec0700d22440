/*
 * "NAME=VALUE": the annotation org.systemd.property.NAME.  What was understood is written out in one plain
 * form, and must be understood as the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "systemd/property.h"

/* A text that grows, as long as there is room. */
struct text {
	char bytes[1 << 16];
	size_t length;
	int deepest; /* how many values were in one another, at most */
};

/* Each type that is written counts for one in the parser; what would go too deep is not tried. */
enum { DEEPEST = GVARIANT_MOST_DEPTH / 2 - 1 };

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->bytes + text->length, room, format, args);
	va_end(args);
	text->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void put_string(struct text *text, const char *string)
{
	put(text, "\"");
	for (const char *c = string; *c; c++) {
		bool special = *c == '"' || *c == '\\';

		if (*c == '\n' || *c == '\t')
			put(text, "\\%c", *c == '\n' ? 'n' : 't');
		else
			put(text, "%s%c", special ? "\\" : "", *c);
	}
	put(text, "\"");
}

static void put_value(struct text *text, const struct gvariant *value, int depth);

static void put_items(struct text *text, const struct gvariant *value, int depth)
{
	bool entries = value->type == 'a' && value->signature[1] == '{';
	const char *ends = value->type == '(' ? "()" : entries ? "{}" : "[]";

	put(text, "%c", ends[0]);
	for (const struct gvariant *item = value->items; item; item = item->next) {
		put_value(text, item, depth + 1);
		put(text, item->next || value->type == '(' ? "," : "");
		/* Only a tuple of one takes a comma at its end. */
		if (value->type == '(' && !item->next && item != value->items)
			text->length--;
	}
	put(text, "%c", ends[1]);
}

static void put_value(struct text *text, const struct gvariant *value, int depth)
{
	text->deepest = depth > text->deepest ? depth : text->deepest;
	switch (value->type) {
	case 'b':
		put(text, value->boolean ? "true" : "false");
		break;
	case 'd':
		put(text, "%.17e", value->real);
		break;
	case 's':
		put_string(text, value->string);
		break;
	case 'v':
		put(text, "<@%s ", value->items->signature);
		put_value(text, value->items, depth + 1);
		put(text, ">");
		break;
	case '{':
		put_value(text, value->items, depth + 1);
		put(text, ": ");
		put_value(text, value->items->next, depth + 1);
		break;
	case 'a':
	case '(':
		put_items(text, value, depth);
		break;
	case 'n':
	case 'i':
	case 'x':
	case 'h':
		put(text, "%" PRId64, value->integer);
		break;
	default:
		put(text, "%" PRIu64, value->natural);
		break;
	}
}

static int read_again(const struct gvariant *value, struct arena *arena, struct error *err)
{
	static struct text first, second;
	struct gvariant *again = NULL;
	int r;

	first.length = second.length = 0;
	first.deepest = 0;
	put(&first, "@%s ", value->signature);
	put_value(&first, value, 1);
	if (first.deepest > DEEPEST || first.length == sizeof(first.bytes) - 1)
		return 0;
	r = gvariant_parse(first.bytes, arena, &again, err);
	if (r == 0) {
		put(&second, "@%s ", again->signature);
		put_value(&second, again, 1);
		EXPECT(strcmp(first.bytes, second.bytes) == 0);
	}
	return r;
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	const char *name = input_text(&input, '=', arena), *value = input_text(&input, '\0', arena);
	struct oci_pair pair = {.value = value ? value : ""};
	struct systemd_property property = {0};
	int r;

	pair.key = arena_printf(arena, SYSTEMD_PROPERTY "%s", name ? name : "");
	if (arena_refused())
		return arena_full(arena, err);
	EXPECT(systemd_property_is(&pair));
	r = systemd_property_parse(&pair, arena, &property, err);
	if (r < 0)
		return r;
	EXPECT(property.value->type == property.value->signature[0]);
	EXPECT(strlen(property.value->signature) <= GVARIANT_LONGEST_TYPE);
	r = read_again(property.value, arena, err);
	EXPECT(r == 0 || err->code == ENOMEM);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
