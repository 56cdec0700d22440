/* The names of capabilities(7), as libcap knows them.  For the runtime alone: init has only numbers. */
#pragma once

#include <stddef.h>

enum { CAPABILITY_NAME_SIZE = 24 }; /* of the longest, CAP_CHECKPOINT_RESTORE, with its NUL */

/* All names in the order of their numbers; the last one is empty. */
extern const char capability_names[][CAPABILITY_NAME_SIZE];

/* The number of "CAP_CHOWN", or -1 if there is no capability of that name. */
int capability_number(const char *name);

/* Writes the name of a capability; "CAP_99" if it has none. */
void capability_name(int number, char *text, size_t size);
