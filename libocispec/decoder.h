/*
 * What decode.c, decode-scalar.c and decode-error.c share: where the decoder is in the text and in the structs.
 *
 * The parser tells of one token after the other.  For each object and array which is open there is
 * a frame; the topmost frame says what the next token is for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_parse.h>

#include "libocispec/decode.h"
#include "libocispec/key-set.h"

/* Nothing in the specification needs a tenth of it. */
enum { MOST_LEVELS = 64 };

enum token_kind {
	TOKEN_NULL,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_OBJECT, /* its opening brace */
	TOKEN_ARRAY,  /* its opening bracket */
};

/* A part of the source, without the quotes of a string. */
struct token {
	enum token_kind kind;
	const char *text;
	size_t length;
	bool has_escapes; /* of a string */
};

enum frame_kind {
	IN_OBJECT,
	IN_ARRAY,
	IN_MAP,
	IN_UNKNOWN_OBJECT, /* and whatever else is inside a value that nobody wants */
	IN_UNKNOWN_ARRAY,
};

struct frame {
	enum frame_kind kind;
	const char *start; /* its opening brace or bracket */
	struct token key;  /* the last key; its text is NULL before the first */
	char *base;	   /* the struct; of an array or map: the one that has the member */

	/* IN_OBJECT */
	const struct oci_object *object;
	uint64_t seen; /* a bit for each field that was given */

	/* IN_OBJECT: the last key's field, or NULL if it is unknown.  IN_ARRAY, IN_MAP: the array's
	 * or map's own. */
	const struct oci_field *field;

	/* IN_ARRAY, IN_MAP */
	char *items;
	size_t len;
	size_t capacity;
	struct key_set keys;
};

/* What may come next. */
enum expectation {
	EXPECT_VALUE,
	EXPECT_FIRST,	  /* the first key or item, or the end */
	EXPECT_COLON,	  /* between a key and its value */
	EXPECT_SEPARATOR, /* a comma, or the end */
	EXPECT_NOTHING,	  /* the document is complete */
};

struct decoder {
	const struct oci_object *object; /* of the whole document */
	const struct oci_source *source;
	bool is_ascii; /* the source */
	struct arena *arena;
	struct oci_decoded *decoded;
	struct error *err; /* its code is not 0 once something has failed */
	yajl_handle parser;
	const char *position; /* the end of the last token */
	enum expectation expected;
	struct frame *frames; /* MOST_LEVELS of them */
	size_t depth;
};

/* Up to where a path leads. */
enum path_end {
	TO_CONTAINER, /* the innermost open object or array */
	TO_VALUE,     /* its current field or item */
};

/* Writes the path, "process.rlimits[0].soft"; the path of the whole document is "". */
void decoder_path(const struct decoder *decoder, enum path_end end, char *path, size_t size);

/* These fill the error in and return 0, which stops the parser. */

/* "name:line:column: path: text", the place being that of at. */
int decoder_fail(struct decoder *decoder, const char *at, enum path_end end, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));
/* The token is not what the field takes. */
int decoder_mismatch(struct decoder *decoder, const struct token *token, const char *expected);
int decoder_full(struct decoder *decoder);

/* Explains what is not JSON behind the last token; reason is the parser's.  at_end: the parser found
 * out only when it was told that there is no more. */
void decoder_syntax_error(struct decoder *decoder, const char *reason, bool at_end);

/* The string's text in the arena, without its escapes; NULL if it fails. */
const char *decoder_keep_string(struct decoder *decoder, const struct token *token);
/* Read the token into the field's member at address, or into the place of one of its items.  1, or 0 if it fails. */
int decoder_take_string(struct decoder *decoder, char *address, const struct token *token);
int decoder_take_scalar(struct decoder *decoder, const struct oci_field *field, char *address,
			const struct token *token);
