/*
 * What is in a directory, name by name.  readdir(3) takes memory and a descriptor of its own, which costs more
 * than reading the few names that most directories have.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "basic/syscalls.h"

enum { ENTRIES_ROOM = 2048 }; /* an entry has at most 280 bytes */

/* Begin with {.dir = fd}, open for reading and read by nobody else. */
struct entries {
	int dir;
	int error;    /* an errno, once reading has failed */
	uint8_t type; /* of the last one: DT_DIR, ..., as in readdir(3) */
	size_t next, length;
	union {
		struct sys_dirent first;
		char bytes[ENTRIES_ROOM];
	} room;
};

/* The next name, or NULL at the end or when reading has failed.  "." and ".." are left out. */
const char *entries_next(struct entries *entries);
