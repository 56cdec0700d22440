/* UTF-8: https://www.rfc-editor.org/rfc/rfc3629 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The longest character. */
enum { UTF8_MOST_BYTES = 4 };

/* How many bytes the character at text takes, or 0 if there is none; length is at least 1. */
size_t utf8_length(const char *text, size_t length);

/* Writes a character, which must be no surrogate; returns how many bytes it takes. */
size_t utf8_write(uint32_t character, char text[static UTF8_MOST_BYTES]);
