/* What a program is to begin with, whatever its parent had set. */
#pragma once

#include <stdint.h>

enum { EVERY_SIGNAL = -1 }; /* all bits are set */

/* Each of these signals (bit n is signal n + 1) does what it does by default, and none at all is blocked.  An exec
 * resets what a handler takes, but not what is ignored. */
void signals_reset(uint64_t signals);

/* The same, of a process that blocks none. */
void signals_heed(uint64_t signals);
