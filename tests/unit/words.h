/* A request to systemd as one line: its words with blanks between them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systemd/request.h"

/* The request is empty again afterwards. */
static inline const char *take_words(struct request *request)
{
	static char line[64 * 1024];
	size_t length = request->length < sizeof(line) ? request->length : sizeof(line);

	for (size_t i = 0; i < length; i++)
		line[i] = request->bytes[i] ? request->bytes[i] : ' ';
	line[length ? length - 1 : 0] = '\0';
	free(request->bytes);
	*request = (struct request){0};
	return line;
}
