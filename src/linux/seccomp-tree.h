/* A filter that finds a system call's verdict by halves.  For the runtime alone. */
#pragma once

#include "basic/arena.h"
#include "linux/seccomp-profile.h"
#include "linux/seccomp-program.h"

/*
 * Writes the profile's filter into an empty program.  Fails if it is longer than the kernel takes.  Warns if
 * rules contradict each other.  What it notes on the way lies in the arena.
 */
int seccomp_tree(const struct seccomp_profile *profile, struct program *program,
		 struct arena *arena, struct error *err);
