/* What somebody may have meant who wrote something else. */
#pragma once

#include <stdbool.h>

/* Whether name is close enough to what was written to be meant: begun alike, or one or two letters
 * wrong, too many, missing, or swapped. */
bool similar(const char *written, const char *name);
