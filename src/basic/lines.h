/*
 * A file line by line, in large pieces and without memory of its own.  For files of the system that are as long as
 * the machine is busy, of which most often the beginning is enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { LINES_ROOM = 32 * 1024 }; /* a longer line is passed over */

/* To be static: on the stack each page of it would be touched when a function begins (-fstack-clash-protection), not
 * just those that are read into. */
struct lines {
	int fd;
	int error;     /* an errno, once reading has failed */
	bool too_long; /* what comes is the rest of a line that did not fit */
	size_t next, length;
	char room[LINES_ROOM + 1];
};

/* fd is open for reading, and remains the caller's. */
void lines_begin(struct lines *lines, int fd);

/* The next line without its newline, or NULL at the end or when reading has failed.  The caller may cut it up. */
char *lines_next(struct lines *lines);
