/*
 * Strings as they stand in JSON: in quotes, escaped, and always UTF-8.
 *
 *	https://www.rfc-editor.org/rfc/rfc8259#section-7
 *
 * What is not UTF-8 becomes U+FFFD: the name of a file may hold any bytes, JSON may not.
 */
#pragma once

#include <stddef.h>

/* Writes text into buffer, whose size is at least 3; returns the length.  What does not fit is left
 * out, but the string is always whole: closed, ended by NUL, and with no escape or character cut in
 * two. */
size_t json_string(char *buffer, size_t size, const char *text);

/* A size of buffer that is enough for text, whatever it holds. */
size_t json_string_size(const char *text);
