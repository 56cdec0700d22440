/* What a program is to begin with, whatever its parent had set. */
#pragma once

/* Every signal does what it does by default, and none is blocked. */
void signals_reset(void);
