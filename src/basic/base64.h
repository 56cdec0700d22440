/*
 * Bytes that came as text.
 *
 *	https://www.rfc-editor.org/rfc/rfc4648#section-4
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Decodes text into bytes, which has room for 3 bytes for each 4 letters of it, and returns how many there
 * are, or -EINVAL: another letter, or not the whole of the last group. */
ssize_t base64_decode(const char *text, unsigned char *bytes);

/* The room that the bytes of text need. */
size_t base64_room(const char *text);
