/*
 * JSON into structs, without a tree in between: the parser, yajl, calls back for each token, and the
 * tables tell which member it belongs in.
 *
 * yajl's own check of UTF-8 lets surrogates and overlong forms through, its numbers are C's long
 * long, and where it stops at an error is not where the error is.  So it is used for the grammar
 * alone: tokens are taken from the source, and read and checked here.
 */
#include "libocispec/decode.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "libocispec/decoder.h"
#include "libocispec/json-string.h"
#include "libocispec/misspelt.h"
#include "libocispec/parser-memory.h"

enum {
	FIRST_CAPACITY = 4, /* most arrays are short */
	UNKNOWN_PATH_SIZE = 256,
	SHORTEST_MISPLACED = 6, /* shorter keys are in many objects */
};

/* Where the next value goes. */
struct slot {
	const struct oci_field *field;
	enum oci_shape shape; /* OCI_ONE for an item of an array or map */
	bool is_item;	      /* an object lies in place */
	char *address;
};

static struct frame *top(struct decoder *decoder)
{
	return decoder->depth ? &decoder->frames[decoder->depth - 1] : NULL;
}

/* Strings */

static int check_utf8(struct decoder *decoder, const struct token *token, enum path_end end)
{
	const char *bad;

	if (decoder->is_ascii)
		return 1;
	bad = json_bad_utf8(token->text, token->length);
	if (!bad)
		return 1;
	return decoder_fail(decoder, bad, end, "the byte 0x%02x is not UTF-8", (unsigned char)*bad);
}

/* Frames */

static struct frame *push(struct decoder *decoder, enum frame_kind kind, const char *start)
{
	struct frame *frame;

	if (decoder->depth == MOST_LEVELS) {
		decoder_fail(decoder, start, TO_VALUE, "nested deeper than %d levels", MOST_LEVELS);
		return NULL;
	}
	frame = &decoder->frames[decoder->depth++];
	*frame = (struct frame){.kind = kind, .start = start};
	decoder->expected = EXPECT_FIRST;
	return frame;
}

static int push_object(struct decoder *decoder, const struct oci_object *object,
		       const struct token *token, char *base)
{
	struct frame *frame = push(decoder, IN_OBJECT, token->text);

	if (!frame)
		return 0;
	frame->object = object;
	frame->base = base;
	return 1;
}

/* Where strings stay in their source nothing comes between, and the items need not move. */
static char *room_for(struct decoder *decoder, const struct frame *frame, size_t capacity)
{
	size_t size = frame->field->item_size, had = frame->capacity * size;
	char *items;

	if (frame->items && arena_ends_with(decoder->arena, frame->items, had))
		return arena_resize(decoder->arena, frame->items, capacity * size) ? frame->items
										   : NULL;
	items = arena_alloc_array(decoder->arena, capacity, size);
	return items && frame->len ? memcpy(items, frame->items, frame->len * size) : items;
}

/* Makes room for another item and, behind it, for the zeroed one which ends the array. */
static int grow(struct decoder *decoder, struct frame *frame)
{
	size_t capacity = frame->capacity ? 2 * frame->capacity : FIRST_CAPACITY;
	char *items = room_for(decoder, frame, capacity);

	if (!items)
		return decoder_full(decoder);
	frame->items = items;
	frame->capacity = capacity;
	return 1;
}

static int push_items(struct decoder *decoder, const struct slot *slot, const struct token *token)
{
	enum frame_kind kind = slot->shape == OCI_ARRAY ? IN_ARRAY : IN_MAP;
	struct frame *frame = push(decoder, kind, token->text);

	if (!frame)
		return 0;
	frame->field = slot->field;
	frame->base = slot->address - slot->field->offset;
	return grow(decoder, frame);
}

static char *append_item(struct decoder *decoder, struct frame *frame)
{
	if (frame->len + 1 == frame->capacity && !grow(decoder, frame))
		return NULL;
	return frame->items + frame->len++ * frame->field->item_size;
}

/* Values */

static int take_object(struct decoder *decoder, const struct slot *slot, const struct token *token)
{
	const struct oci_object *object = oci_object_of(slot->field);
	char *base = slot->address;

	if (token->kind != TOKEN_OBJECT)
		return decoder_mismatch(decoder, token, "an object");
	if (!slot->is_item) {
		base = arena_alloc(decoder->arena, object->size);
		if (!base)
			return decoder_full(decoder);
		memcpy(slot->address, &base, sizeof(base));
	}
	return push_object(decoder, object, token, base);
}

static int take(struct decoder *decoder, const struct slot *slot, const struct token *token)
{
	if (slot->shape == OCI_ARRAY && token->kind != TOKEN_ARRAY)
		return decoder_mismatch(decoder, token, "an array");
	if (slot->shape == OCI_MAP && token->kind != TOKEN_OBJECT)
		return decoder_mismatch(decoder, token, "an object");
	if (slot->shape != OCI_ONE)
		return push_items(decoder, slot, token);
	if (slot->field->kind == OCI_OBJECT)
		return take_object(decoder, slot, token);
	return decoder_take_scalar(decoder, slot->field, slot->address, token);
}

/* The value of a key that is unknown or of no use, or something inside of one. */
static int skip(struct decoder *decoder, const struct token *token)
{
	if (token->kind == TOKEN_OBJECT)
		return push(decoder, IN_UNKNOWN_OBJECT, token->text) != NULL;
	if (token->kind == TOKEN_ARRAY)
		return push(decoder, IN_UNKNOWN_ARRAY, token->text) != NULL;
	return 1;
}

static int take_field(struct decoder *decoder, struct frame *frame, const struct token *token)
{
	const struct oci_field *field = frame->field;
	struct slot slot = {.field = field};

	if (!field || field->kind == OCI_SKIP)
		return skip(decoder, token);
	if (token->kind == TOKEN_NULL && !field->required)
		return 1;
	if (field->has_offset)
		*(bool *)(frame->base + field->has_offset) = true;
	slot.shape = field->shape;
	slot.address = frame->base + field->offset;
	return take(decoder, &slot, token);
}

static int take_item(struct decoder *decoder, struct frame *frame, const struct token *token)
{
	const struct oci_field *field = frame->field;
	char *item;

	/* A map's item was appended when its key came. */
	if (frame->kind == IN_MAP)
		item = frame->items + (frame->len - 1) * field->item_size;
	else
		item = append_item(decoder, frame);
	if (!item)
		return 0;
	item += field->item_offset;
	/* Nothing else is as frequent: names of system calls and capabilities, options, the environment. */
	if (field->kind == OCI_STRING)
		return decoder_take_string(decoder, item, token);
	return take(
		decoder,
		&(struct slot){.field = field, .shape = OCI_ONE, .is_item = true, .address = item},
		token);
}

static int take_document(struct decoder *decoder, const struct token *token)
{
	if (token->kind != TOKEN_OBJECT)
		return decoder_mismatch(decoder, token, "an object");
	decoder->decoded->value = arena_alloc(decoder->arena, decoder->object->size);
	if (!decoder->decoded->value)
		return decoder_full(decoder);
	return push_object(decoder, decoder->object, token, decoder->decoded->value);
}

static int take_value(struct decoder *decoder, const struct token *token)
{
	struct frame *frame = top(decoder);

	if (frame)
		decoder->expected = EXPECT_SEPARATOR;
	if (token->kind == TOKEN_STRING && !check_utf8(decoder, token, TO_VALUE))
		return 0;
	if (!frame)
		return take_document(decoder, token);
	switch (frame->kind) {
	case IN_OBJECT:
		return take_field(decoder, frame, token);
	case IN_ARRAY:
	case IN_MAP:
		return take_item(decoder, frame, token);
	case IN_UNKNOWN_OBJECT:
	case IN_UNKNOWN_ARRAY:
		break;
	}
	return skip(decoder, token);
}

/* Keys */

static bool is_named(const struct oci_field *field, const char *name, size_t length)
{
	return field->name_length == length && memcmp(name, field->name, length) == 0;
}

static const struct oci_field *find_field(const struct oci_object *object, const char *name,
					  size_t length)
{
	size_t low = 0, high = object->fields_len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct oci_field *field = &oci_fields(object)[oci_sorted(object)[middle]];
		ssize_t order = (ssize_t)length - field->name_length;

		if (order == 0)
			order = memcmp(name, field->name, length);
		if (order == 0)
			return field;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Whoever writes from structs keeps their order, so the key is most often that of the next field. */
static const struct oci_field *find_next_field(const struct frame *frame, const char *name,
					       size_t length)
{
	const struct oci_field *fields = oci_fields(frame->object);
	const struct oci_field *next = frame->field ? frame->field + 1 : fields;

	if (next < fields + frame->object->fields_len && is_named(next, name, length))
		return next;
	return find_field(frame->object, name, length);
}

/* Where in the document the key would be known: process.seccomp is meant to be linux.seccomp. */
static const struct oci_field *right_place(const struct oci_object *document, const char *name,
					   size_t length)
{
	for (size_t i = 0; length >= SHORTEST_MISPLACED && i < document->fields_len; i++) {
		const struct oci_field *field = &oci_fields(document)[i];

		if (field->kind == OCI_OBJECT && field->shape == OCI_ONE &&
		    find_field(oci_object_of(field), name, length))
			return field;
	}
	return NULL;
}

/* What the unknown key is likely to stand for; *meant is NULL when there is no such thing. */
static int find_meant(struct decoder *decoder, const struct oci_object *object, const char *name,
		      size_t length, const char **meant)
{
	const struct oci_field *field = misspelt_field(object, name, length);

	*meant = field ? field->name : NULL;
	if (field)
		return 1;
	field = right_place(decoder->object, name, length);
	if (!field)
		return 1;
	*meant = arena_printf(decoder->arena, "%s.%.*s", field->name, (int)length, name);
	return *meant ? 1 : decoder_full(decoder);
}

static int note_unknown(struct decoder *decoder, const struct oci_object *object, const char *name,
			size_t length)
{
	struct oci_decoded *decoded = decoder->decoded;
	const char *meant = NULL;
	char path[UNKNOWN_PATH_SIZE];
	const char *kept;

	if (!decoded->misspelt && !find_meant(decoder, object, name, length, &meant))
		return 0;
	if (decoded->unknown_keys++ > 0 && !meant)
		return 1;
	decoder_path(decoder, TO_VALUE, path, sizeof(path));
	kept = arena_copy(decoder->arena, path, strlen(path));
	if (!kept)
		return decoder_full(decoder);
	if (!decoded->first_unknown)
		decoded->first_unknown = kept;
	if (meant) {
		decoded->misspelt = kept;
		decoded->meant = meant;
	}
	return 1;
}

static int take_field_key(struct decoder *decoder, struct frame *frame)
{
	const char *name = frame->key.text;
	size_t length = frame->key.length;
	uint64_t bit;

	if (frame->key.has_escapes) {
		name = decoder_keep_string(decoder, &frame->key);
		if (!name)
			return 0;
		length = strlen(name);
	}
	frame->field = find_next_field(frame, name, length);
	if (!frame->field)
		return note_unknown(decoder, frame->object, name, length);
	bit = UINT64_C(1) << (frame->field - oci_fields(frame->object));
	if (frame->seen & bit)
		return decoder_fail(decoder, frame->key.text - 1, TO_VALUE,
				    "the key is given twice");
	frame->seen |= bit;
	return 1;
}

static int take_map_key(struct decoder *decoder, struct frame *frame)
{
	const char *at = frame->key.text - 1;
	const char *key = decoder_keep_string(decoder, &frame->key);
	char *item;
	int added;

	if (!key)
		return 0;
	if (!*key)
		return decoder_fail(decoder, at, TO_CONTAINER, "a key is empty");
	added = key_set_add(&frame->keys, decoder->arena, key);
	if (added == 0)
		return decoder_fail(decoder, at, TO_VALUE, "the key is given twice");
	item = added < 0 ? NULL : append_item(decoder, frame);
	if (!item)
		return decoder_full(decoder);
	memcpy(item, &key, sizeof(key));
	return 1;
}

static int take_key(struct decoder *decoder, const struct token *token)
{
	struct frame *frame = top(decoder);

	frame->key = *token;
	decoder->expected = EXPECT_COLON;
	if (!check_utf8(decoder, token, TO_CONTAINER))
		return 0;
	if (frame->kind == IN_OBJECT)
		return take_field_key(decoder, frame);
	return frame->kind == IN_MAP ? take_map_key(decoder, frame) : 1;
}

/* Ends */

static int check_required(struct decoder *decoder, const struct frame *frame)
{
	uint64_t missing = frame->object->required & ~frame->seen;

	if (!missing)
		return 1;
	return decoder_fail(decoder, frame->start, TO_CONTAINER, "%s is missing",
			    oci_fields(frame->object)[__builtin_ctzll(missing)].name);
}

static int end_container(struct decoder *decoder)
{
	struct frame *frame = top(decoder);

	if (frame->kind == IN_OBJECT && !check_required(decoder, frame))
		return 0;
	if (frame->kind == IN_ARRAY || frame->kind == IN_MAP) {
		memcpy(frame->base + frame->field->offset, &frame->items, sizeof(frame->items));
		memcpy(frame->base + frame->field->len_offset, &frame->len, sizeof(frame->len));
	}
	decoder->depth--;
	decoder->expected = decoder->depth ? EXPECT_SEPARATOR : EXPECT_NOTHING;
	return 1;
}

/* What the parser calls.  It gives some tokens as copies; all are looked up in the source. */

/* The token of this length which ends where the parser is. */
static struct token token_here(struct decoder *decoder, enum token_kind kind, size_t length)
{
	decoder->position = decoder->source->text + yajl_get_bytes_consumed(decoder->parser);
	return (struct token){kind, decoder->position - length, length, false};
}

static int on_null(void *context)
{
	struct token token = token_here(context, TOKEN_NULL, strlen("null"));

	return take_value(context, &token);
}

static int on_bool(void *context, int value)
{
	struct token token = value ? token_here(context, TOKEN_TRUE, strlen("true"))
				   : token_here(context, TOKEN_FALSE, strlen("false"));

	return take_value(context, &token);
}

static int on_number(void *context, const char *text, size_t length)
{
	struct decoder *decoder = context;
	const char *end = decoder->source->text + decoder->source->length;
	struct token token;

	/* A number that the source ends with comes when the parser is told that there is no more:
	 * it is a copy, and the parser's count has begun again. */
	if (text < decoder->source->text || text >= end) {
		decoder->position = end;
		token = (struct token){TOKEN_NUMBER, end - length, length, false};
	} else {
		token = token_here(context, TOKEN_NUMBER, length);
	}
	return take_value(context, &token);
}

/* Where the string begins whose closing quote this is.  A quote inside of it has an odd number of backslashes
 * before it. */
static const char *opening_quote(const struct decoder *decoder, const char *closing)
{
	const char *opening = closing, *before;

	do {
		do
			opening--;
		while (*opening != '"');
		before = opening;
		while (before > decoder->source->text && before[-1] == '\\')
			before--;
	} while ((opening - before) % 2 != 0);
	return opening;
}

/* The string that the parser gives; one with escapes is a copy, and longer in the source. */
static inline struct token string_here(struct decoder *decoder, const unsigned char *text,
				       size_t length)
{
	const char *start = (const char *)text, *closing;

	if (start >= decoder->source->text &&
	    start < decoder->source->text + decoder->source->length) {
		decoder->position = start + length + 1;
		return (struct token){TOKEN_STRING, start, length, false};
	}
	closing = token_here(decoder, TOKEN_STRING, 0).text - 1;
	start = opening_quote(decoder, closing) + 1;
	return (struct token){TOKEN_STRING, start, (size_t)(closing - start), true};
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
	struct token token = string_here(context, text, length);

	return take_value(context, &token);
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
	struct token token = string_here(context, text, length);

	return take_key(context, &token);
}

static int on_object(void *context)
{
	struct token token = token_here(context, TOKEN_OBJECT, 1);

	return take_value(context, &token);
}

static int on_array(void *context)
{
	struct token token = token_here(context, TOKEN_ARRAY, 1);

	return take_value(context, &token);
}

static int on_end(void *context)
{
	token_here(context, TOKEN_NULL, 0);
	return end_container(context);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_end,
};

static void explain_stop(struct decoder *decoder, bool at_end)
{
	unsigned char *reason = yajl_get_error(decoder->parser, 0, NULL, 0);

	decoder_syntax_error(decoder, (const char *)reason, at_end);
	yajl_free_error(decoder->parser, reason);
}

int oci_decode(const struct oci_object *object, const struct oci_source *source,
	       struct arena *arena, struct oci_decoded *decoded, struct error *err)
{
	struct frame frames[MOST_LEVELS]; /* what is never pushed is never touched */
	struct decoder decoder = {
		.frames = frames,
		.object = object,
		.source = source,
		.is_ascii = json_is_ascii(source->text, source->length),
		.arena = arena,
		.decoded = decoded,
		.err = err,
		.position = source->text,
	};
	struct parser_memory memory;
	yajl_status status;
	bool at_end = false;

	*decoded = (struct oci_decoded){0};
	err->code = 0;
	if (parser_memory_reserve(&memory, arena, source->length) < 0)
		return arena_full(arena, err);
	decoder.parser = yajl_alloc(&callbacks, &memory.functions, &decoder);
	yajl_config(decoder.parser, yajl_dont_validate_strings, 1);
	status = yajl_parse(decoder.parser, (const unsigned char *)source->text, source->length);
	if (status == yajl_status_ok) {
		at_end = true;
		status = yajl_complete_parse(decoder.parser);
	}
	if (status == yajl_status_error)
		explain_stop(&decoder, at_end);
	yajl_free(decoder.parser);
	return -err->code;
}
