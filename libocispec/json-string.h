/* The text between a JSON string's quotes: https://www.rfc-editor.org/rfc/rfc8259#section-7 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether there is nothing that could be wrong UTF-8, as in most texts. */
bool json_is_ascii(const char *text, size_t length);

/* NULL if all of raw is UTF-8, otherwise where it is not. */
const char *json_bad_utf8(const char *raw, size_t length);

/*
 * Writes to text, which holds length + 1 bytes, what raw stands for, and a NUL.  raw's escapes must
 * be well-formed and its bytes UTF-8.  Returns NULL, or why it cannot be a string in C.
 */
const char *json_unescape(const char *raw, size_t length, char *text);

/* How many bytes json_quote() writes at most. */
size_t json_quoted_size(const char *string);

/*
 * Writes string between quotes, escaping as little as JSON allows: "/" stays as it is.  Bytes that
 * are no UTF-8 become U+FFFD.  Returns how many bytes were written; no NUL is among them.
 */
size_t json_quote(const char *string, char *out);
