/* What this proa can do, for engines to ask before they write a config: the features document. */
#pragma once

#include "basic/arena.h"

/*
 * As JSON, in the arena; NULL if it is full.  commit: what proa was built from.
 *
 * It depends on nothing but the program: not on the kernel, the user or the machine, as the
 * specification asks.  "Recognized" is not "works here".
 */
const char *features_document(const char *commit, struct arena *arena);
