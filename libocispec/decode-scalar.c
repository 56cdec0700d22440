/* Values that are neither objects nor arrays: from a token into a member. */
#include <string.h>

#include "libocispec/decoder.h"
#include "libocispec/json-string.h"
#include "libocispec/number.h"

/* The parser is behind the closing quote, and does not look back. */
static char *keep_in_place(const struct oci_source *source, const struct token *token)
{
	char *text = source->own + (token->text - source->text);

	text[token->length] = '\0';
	return text;
}

static const char *copy_string(struct decoder *decoder, const struct token *token)
{
	char *text = arena_alloc(decoder->arena, token->length + 1);
	const char *reason;

	if (!text) {
		decoder_full(decoder);
		return NULL;
	}
	if (!token->has_escapes)
		return memcpy(text, token->text, token->length);
	reason = json_unescape(token->text, token->length, text);
	if (reason) {
		decoder_fail(decoder, token->text - 1, TO_VALUE, "%s", reason);
		return NULL;
	}
	return text;
}

const char *decoder_keep_string(struct decoder *decoder, const struct token *token)
{
	if (decoder->source->own && !token->has_escapes)
		return keep_in_place(decoder->source, token);
	return copy_string(decoder, token);
}

int decoder_take_string(struct decoder *decoder, char *address, const struct token *token)
{
	const char *text;

	if (token->kind != TOKEN_STRING)
		return decoder_mismatch(decoder, token, "a string");
	text = decoder_keep_string(decoder, token);
	memcpy(address, &text, sizeof(text));
	return text != NULL;
}

static int take_bool(struct decoder *decoder, char *address, const struct token *token)
{
	if (token->kind != TOKEN_TRUE && token->kind != TOKEN_FALSE)
		return decoder_mismatch(decoder, token, "true or false");
	*(bool *)address = token->kind == TOKEN_TRUE;
	return 1;
}

static int take_number(struct decoder *decoder, const struct oci_number *number, char *address,
		       const struct token *token)
{
	if (token->kind == TOKEN_NUMBER &&
	    oci_number_read(number, token->text, token->length, address))
		return 1;
	return decoder_mismatch(decoder, token, number->expected);
}

static int take_decimal(struct decoder *decoder, char *address, const struct token *token)
{
	const char *text;

	if (token->kind != TOKEN_NUMBER)
		return decoder_mismatch(decoder, token, "a number");
	text = arena_copy(decoder->arena, token->text, token->length);
	memcpy(address, &text, sizeof(text));
	return text ? 1 : decoder_full(decoder);
}

int decoder_take_scalar(struct decoder *decoder, const struct oci_field *field, char *address,
			const struct token *token)
{
	switch (field->kind) {
	case OCI_STRING:
		return decoder_take_string(decoder, address, token);
	case OCI_BOOL:
		return take_bool(decoder, address, token);
	case OCI_NUMBER:
		return take_number(decoder, oci_number_of(field), address, token);
	case OCI_DECIMAL:
		return take_decimal(decoder, address, token);
	case OCI_OBJECT:
	case OCI_SKIP:
		break;
	}
	return 1;
}
